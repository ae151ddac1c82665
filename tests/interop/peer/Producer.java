import java.io.IOException;
import java.util.ArrayDeque;

import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.Publication;
import io.aeron.logbuffer.BufferClaim;
import org.agrona.ExpandableArrayBuffer;

import shm.tensorpool.control.ConsumerConfigDecoder;
import shm.tensorpool.control.FrameDescriptorEncoder;
import shm.tensorpool.control.MessageHeaderEncoder;
import shm.tensorpool.control.QosProducerEncoder;
import shm.tensorpool.driver.Role;

/** A producer of the pattern "counter": byte i of frame seq is (seq + i) mod 256. Sections 8.3 and 9 of 10-wire.md. */
final class Producer implements Session.Owner
{
    private static final int PENDING_MAX = 256;

    private final Options options;
    private final Session session;
    private final ExclusivePublication descriptors;
    private final Publication qos;
    private final BufferClaim claim = new BufferClaim();
    private final MessageHeaderEncoder header = new MessageHeaderEncoder();
    private final FrameDescriptorEncoder descriptor = new FrameDescriptorEncoder();
    private final ExpandableArrayBuffer buffer = new ExpandableArrayBuffer();
    private final ArrayDeque<Long> pending = new ArrayDeque<>();
    private final byte[] payload;
    private Regions regions;
    private long seq;
    private long nextFrameNs;
    private long nextTickNs;
    private long nextQosNs;
    private long published;
    private long dropped;

    Producer(final Aeron aeron, final Options options)
    {
        this.options = options;
        payload = new byte[options.bytes];
        descriptors = Session.descriptors(aeron, options);
        qos = aeron.addPublication(options.channel, options.qosStream);
        session = new Session(aeron, options, Role.PRODUCER, this);
    }

    void run()
    {
        final long endNs = System.nanoTime() + options.seconds * 1_000_000_000L;
        while (!session.hasEnded())
        {
            final long nowNs = System.nanoTime();
            final boolean over = Peer.stopped || nowNs > endNs || published >= options.count;
            if (over && pending.isEmpty()) { session.detach(nowNs); }
            final int work = session.poll(nowNs) + (over ? flush() : produce(nowNs));
            if (0 == work) { Peer.idle(); }
        }
        Out.event("summary", "published", published, "dropped", dropped, "keepalives", session.keepalives);
    }

    private int produce(final long nowNs)
    {
        int work = flush();
        if (null == regions || !session.mayWrite(nowNs)) { return work; }
        if (nowNs >= nextTickNs)
        {
            regions.refreshActivity(nowNs);
            nextTickNs = nowNs + options.announcePeriodNs / 2;
        }
        if (nowNs >= nextQosNs)
        {
            sendQos();
            nextQosNs = nowNs + 1_000_000_000L;
        }
        if (nowNs < nextFrameNs || !descriptors.isConnected() || pending.size() >= PENDING_MAX) { return work; }
        nextFrameNs = Math.max(nextFrameNs + 1_000_000_000L / options.hz, nowNs - 100_000_000L);
        publish(nowNs);
        return work + 1;
    }

    private void publish(final long nowNs)
    {
        for (int i = 0; i < payload.length; i++)
        {
            payload[i] = (byte)(seq + i);
        }
        regions.write(seq, regions.poolFor(payload.length), payload, Layout.Tensor.bytesOfShape(payload.length), nowNs);
        pending.add(seq++);
        published++;
        flush();
    }

    /** Descriptors in order; those that the bus refuses wait. */
    private int flush()
    {
        int sent = 0;
        while (!pending.isEmpty() && null != regions)
        {
            final long result = send(pending.peek());
            if (Publication.ADMIN_ACTION == result) { continue; }
            if (Publication.BACK_PRESSURED == result) { break; }
            if (result < 0) { dropped++; }
            pending.remove();
            sent++;
        }
        return sent;
    }

    private long send(final long number)
    {
        final long result = descriptors.tryClaim(MessageHeaderEncoder.ENCODED_LENGTH + FrameDescriptorEncoder.BLOCK_LENGTH, claim);
        if (result > 0)
        {
            descriptor.wrapAndApplyHeader(claim.buffer(), claim.offset(), header).streamId(Integer.toUnsignedLong(session.streamId()))
                .epoch(regions.geometry.epoch()).seq(number).timestampNs(FrameDescriptorEncoder.timestampNsNullValue())
                .metaVersion(FrameDescriptorEncoder.metaVersionNullValue()).traceId(0);
            claim.commit();
        }
        return result;
    }

    private void sendQos()
    {
        final QosProducerEncoder message = new QosProducerEncoder().wrapAndApplyHeader(buffer, 0, header);
        message.streamId(Integer.toUnsignedLong(session.streamId())).producerId(session.clientId()).epoch(regions.geometry.epoch()).currentSeq(seq)
            .watermark(QosProducerEncoder.watermarkNullValue());
        qos.offer(buffer, 0, MessageHeaderEncoder.ENCODED_LENGTH + message.encodedLength());
    }

    @Override
    public void attached(final Regions.Geometry geometry)
    {
        try
        {
            regions = new Regions(geometry, Session.bases(options), true);
            seq = 0;
            pending.clear();
            nextTickNs = 0;
            nextFrameNs = System.nanoTime();
            Out.event("mapped", "epoch", geometry.epoch(), "nslots", geometry.nslots(), "uri", geometry.headerUri());
        }
        catch (final IOException e)
        {
            Out.event("unmappable", "why", e.getMessage());
        }
    }

    @Override
    public void lost(final String why)
    {
        if (null != regions) { Out.event("unmapped", "epoch", regions.geometry.epoch(), "why", why, "published", published); }
        regions = null;
        pending.clear();
    }

    @Override
    public void announced(final Regions.Geometry geometry, final long nowNs)
    {
    }

    @Override
    public void producerRevoked()
    {
    }

    @Override
    public void configured(final ConsumerConfigDecoder config)
    {
    }
}
