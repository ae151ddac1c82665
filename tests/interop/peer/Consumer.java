import java.io.IOException;
import java.util.Arrays;

import io.aeron.Aeron;
import io.aeron.Publication;
import io.aeron.Subscription;
import io.aeron.logbuffer.Header;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;

import shm.tensorpool.control.Bool;
import shm.tensorpool.control.ConsumerConfigDecoder;
import shm.tensorpool.control.ConsumerHelloEncoder;
import shm.tensorpool.control.FrameDescriptorDecoder;
import shm.tensorpool.control.MessageHeaderDecoder;
import shm.tensorpool.control.MessageHeaderEncoder;
import shm.tensorpool.control.Mode;
import shm.tensorpool.control.QosConsumerEncoder;
import shm.tensorpool.driver.Role;

/**
 * A consumer that checks the pattern "counter" and all 256 bytes of each slot: decoding and encoding them again has to give the same bytes,
 * so nothing is written where no field lies. Sections 8.4, 10 and 11 of 10-wire.md.
 */
final class Consumer implements Session.Owner
{
    private static final long SECOND_NS = 1_000_000_000L;

    private final Aeron aeron;
    private final Options options;
    private final Session session;
    private final Publication control;
    private final Publication qos;
    private final MessageHeaderDecoder headerIn = new MessageHeaderDecoder();
    private final MessageHeaderEncoder headerOut = new MessageHeaderEncoder();
    private final FrameDescriptorDecoder descriptor = new FrameDescriptorDecoder();
    private final ExpandableArrayBuffer buffer = new ExpandableArrayBuffer();
    private Subscription descriptors;
    private int subscribedTo;
    private Regions regions;
    private long driverPid;
    private long lastSeq = -1;
    private long nextHelloNs;
    private long received;
    private long gaps;
    private long late;
    private long invalid;
    private long outside;
    private long wrong;

    Consumer(final Aeron aeron, final Options options)
    {
        this.aeron = aeron;
        this.options = options;
        subscribe(options.descriptorStream);
        control = aeron.addPublication(options.channel, options.controlStream);
        qos = aeron.addPublication(options.channel, options.qosStream);
        session = new Session(aeron, options, Role.CONSUMER, this);
    }

    private void subscribe(final int id)
    {
        if (null != descriptors) { descriptors.close(); }
        descriptors = aeron.addSubscription(options.channel + "|tether=false", id);
        subscribedTo = id;
        lastSeq = -1;
    }

    void run()
    {
        final long endNs = System.nanoTime() + options.seconds * SECOND_NS;
        while (!session.hasEnded())
        {
            final long nowNs = System.nanoTime();
            if (Peer.stopped || nowNs > endNs || received >= options.count) { session.detach(nowNs); }
            final int work = session.poll(nowNs) + descriptors.poll(this::onDescriptor, 64);
            if (session.isAttached() && nowNs >= nextHelloNs)
            {
                hello();
                sendQos();
                nextHelloNs = nowNs + SECOND_NS;
            }
            if (0 == work) { Peer.idle(); }
        }
        Out.event("summary", "received", received, "gaps", gaps, "late", late, "invalid", invalid, "outside", outside, "wrong", wrong,
            "keepalives", session.keepalives);
    }

    private void onDescriptor(final DirectBuffer in, final int offset, final int length, final Header header)
    {
        headerIn.wrap(in, offset);
        if (length < 48 || 900 != headerIn.schemaId() || FrameDescriptorDecoder.TEMPLATE_ID != headerIn.templateId() || headerIn.blockLength() < 40)
        {
            return;
        }
        descriptor.wrap(in, offset + 8, headerIn.blockLength(), headerIn.version());
        if (descriptor.streamId() != Integer.toUnsignedLong(session.streamId()) || received >= options.count) { return; }
        if (null == regions || descriptor.epoch() != regions.geometry.epoch())
        {
            outside++;
            if (null != regions && descriptor.epoch() > regions.geometry.epoch()) { unmap("a descriptor of epoch " + descriptor.epoch()); }
            return;
        }
        account(descriptor.seq());
    }

    private void account(final long seq)
    {
        if (lastSeq >= 0 && seq <= lastSeq)
        {
            if (seq < lastSeq) { unmap("seq " + seq + " after " + lastSeq); }
            return;
        }
        if (lastSeq >= 0) { gaps += seq - lastSeq - 1; }
        lastSeq = seq;
        try
        {
            show(seq, regions.read(seq));
        }
        catch (final Regions.Dropped e)
        {
            if (e.late) { late++; }
            else
            {
                invalid++;
                Out.event("invalid", "seq", seq, "why", e.getMessage());
            }
        }
    }

    private void show(final long seq, final Regions.Frame frame)
    {
        boolean check = frame.payload().length > 0;
        for (int i = 0; i < frame.payload().length; i++)
        {
            check &= frame.payload()[i] == (byte)(seq + i);
        }
        final boolean exact = Arrays.equals(frame.image(), frame.slot().bytes());
        received++;
        if (!check || !exact) { wrong++; }
        Out.event("frame", "seq", seq, "epoch", regions.geometry.epoch(), "bytes", frame.payload().length, "pool", frame.slot().poolId(),
            "check", check, "exact", exact, "on", subscribedTo);
    }

    private void hello()
    {
        final ConsumerHelloEncoder hello = new ConsumerHelloEncoder().wrapAndApplyHeader(buffer, 0, headerOut);
        hello.streamId(Integer.toUnsignedLong(session.streamId())).consumerId(session.clientId()).supportsShm(Bool.TRUE).supportsProgress(Bool.FALSE)
            .mode(options.maxRateHz > 0 ? Mode.RATE_LIMITED : Mode.STREAM).maxRateHz(options.maxRateHz).expectedLayoutVersion(Layout.VERSION)
            .progressIntervalUs(ConsumerHelloEncoder.progressIntervalUsNullValue())
            .progressBytesDelta(ConsumerHelloEncoder.progressBytesDeltaNullValue())
            .progressMajorDeltaUnits(ConsumerHelloEncoder.progressMajorDeltaUnitsNullValue()).descriptorStreamId(options.privateStream)
            .controlStreamId(0).descriptorChannel(0 != options.privateStream ? options.channel : "").controlChannel("");
        control.offer(buffer, 0, MessageHeaderEncoder.ENCODED_LENGTH + hello.encodedLength());
    }

    private void sendQos()
    {
        final QosConsumerEncoder message = new QosConsumerEncoder().wrapAndApplyHeader(buffer, 0, headerOut);
        message.streamId(Integer.toUnsignedLong(session.streamId())).consumerId(session.clientId())
            .epoch(null == regions ? 0 : regions.geometry.epoch()).lastSeqSeen(Math.max(lastSeq, 0)).dropsGap(gaps).dropsLate(late)
            .mode(options.maxRateHz > 0 ? Mode.RATE_LIMITED : Mode.STREAM);
        qos.offer(buffer, 0, MessageHeaderEncoder.ENCODED_LENGTH + message.encodedLength());
    }

    private void map(final Regions.Geometry geometry)
    {
        try
        {
            final Regions mapped = new Regions(geometry, Session.bases(options), false);
            if (System.nanoTime() - mapped.oldestActivityNs() > 3 * options.announcePeriodNs) { throw new IOException("stale regions"); }
            regions = mapped;
            lastSeq = -1;
            Out.event("mapped", "epoch", geometry.epoch(), "nslots", geometry.nslots(), "uri", geometry.headerUri());
        }
        catch (final IOException e)
        {
            Out.event("unmappable", "why", e.getMessage());
        }
    }

    private void unmap(final String why)
    {
        if (null != regions) { Out.event("unmapped", "epoch", regions.geometry.epoch(), "why", why); }
        regions = null;
    }

    @Override
    public void attached(final Regions.Geometry geometry)
    {
        nextHelloNs = 0;
        map(geometry);
        driverPid = null == regions ? 0 : regions.creator();
    }

    @Override
    public void lost(final String why)
    {
        unmap(why);
    }

    @Override
    public void announced(final Regions.Geometry geometry, final long nowNs)
    {
        if (null != regions && geometry.epoch() == regions.geometry.epoch())
        {
            final String fault = regions.fault();
            if (null != fault) { unmap(fault); }
            else if (nowNs - regions.oldestActivityNs() > 3 * options.announcePeriodNs) { unmap("stale regions"); }
            return;
        }
        if (null != regions) { unmap("epoch " + geometry.epoch() + " is announced"); }
        map(geometry);
        if (null == regions) { return; }
        if (0 != driverPid && regions.creator() != driverPid) { session.lose("regions of another driver, which knows no lease of ours", nowNs); }
        else { driverPid = regions.creator(); }
    }

    @Override
    public void producerRevoked()
    {
        unmap("the producer has lost its lease");
    }

    @Override
    public void configured(final ConsumerConfigDecoder config)
    {
        if (config.streamId() != Integer.toUnsignedLong(session.streamId()) || config.consumerId() != session.clientId()) { return; }
        final int id = (int)config.descriptorStreamId();
        final Mode mode = config.mode();
        config.skipPayloadFallbackUri();
        final String channel = config.descriptorChannel();
        final boolean own = !channel.isEmpty() && 0 != id;
        final int wanted = own ? id : options.descriptorStream;
        if (wanted == subscribedTo) { return; }
        Out.event("configured", "descriptors", wanted, "mode", mode);
        subscribe(wanted);
    }
}
