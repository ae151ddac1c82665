import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.FragmentAssembler;
import io.aeron.Image;
import io.aeron.Publication;
import io.aeron.Subscription;
import io.aeron.logbuffer.Header;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;

import shm.tensorpool.control.ConsumerConfigDecoder;
import shm.tensorpool.control.ShmPoolAnnounceDecoder;
import shm.tensorpool.driver.HugepagesPolicy;
import shm.tensorpool.driver.MessageHeaderDecoder;
import shm.tensorpool.driver.MessageHeaderEncoder;
import shm.tensorpool.driver.PublishMode;
import shm.tensorpool.driver.Role;
import shm.tensorpool.driver.ShmAttachRequestEncoder;
import shm.tensorpool.driver.ShmAttachResponseDecoder;
import shm.tensorpool.driver.ShmDetachRequestEncoder;
import shm.tensorpool.driver.ShmDetachResponseDecoder;
import shm.tensorpool.driver.ShmDriverShutdownDecoder;
import shm.tensorpool.driver.ShmLeaseKeepaliveEncoder;
import shm.tensorpool.driver.ShmLeaseRevokedDecoder;

/** The client side of 20-driver.md: attach, keepalive, announces, revocation, detach, and again after each loss. Used by one thread. */
final class Session
{
    /** What happens to the lease, told to the producer or consumer. */
    interface Owner
    {
        void attached(Regions.Geometry geometry);

        /** The lease is over: nothing of its regions may be used any more. */
        void lost(String why);

        void announced(Regions.Geometry geometry, long nowNs);

        void producerRevoked();

        void configured(ConsumerConfigDecoder config);
    }

    private static final long SECOND_NS = 1_000_000_000L;
    private static final long REPEAT_NS = 200_000_000L;
    private static final long FIRST_BACKOFF_NS = 50_000_000L;

    private enum State
    {
        BACKOFF, ATTACHING, ATTACHED, DETACHING, ENDED
    }

    private final Options options;
    private final Role role;
    private final Owner owner;
    private final Publication control;
    private final Subscription incoming;
    private final Subscription announces;
    private final FragmentAssembler assembler = new FragmentAssembler(this::onMessage);
    private final Map<Integer, Long> joinedNs = new HashMap<>();
    private final ExpandableArrayBuffer buffer = new ExpandableArrayBuffer();
    private final MessageHeaderEncoder headerOut = new MessageHeaderEncoder();
    private final MessageHeaderDecoder headerIn = new MessageHeaderDecoder();
    private State state = State.BACKOFF;
    private long correlationId = ThreadLocalRandom.current().nextLong(1L << 62);
    private int clientId = ThreadLocalRandom.current().nextInt(1, Integer.MAX_VALUE);
    private long nextNs;                 // of attach, repetition or keepalive, as the state says
    private long giveUpNs;               // of waiting for an answer
    private long backoffNs = FIRST_BACKOFF_NS;
    private long leaseId;
    private int streamId;
    private long leaseNs;
    private long deadlineNs;
    private long heardNs;                // the last announce of this stream
    private long highestEpoch;
    long keepalives;

    Session(final Aeron aeron, final Options options, final Role role, final Owner owner)
    {
        this.options = options;
        this.role = role;
        this.owner = owner;
        streamId = options.stream;
        control = aeron.addPublication(options.channel, options.controlStream);
        incoming = aeron.addSubscription(options.channel + "|tether=false", options.controlStream, this::joined, image -> { });
        announces = options.announceStream == options.controlStream ? null :
            aeron.addSubscription(options.channel + "|tether=false", options.announceStream, this::joined, image -> { });
    }

    private void joined(final Image image)
    {
        synchronized (joinedNs) { joinedNs.put(image.sessionId(), System.nanoTime()); }
    }

    int clientId()
    {
        return clientId;
    }

    int streamId()
    {
        return streamId;
    }

    boolean isAttached()
    {
        return State.ATTACHED == state;
    }

    /** False when the lease may be over by this client's own clock. */
    boolean mayWrite(final long nowNs)
    {
        return State.ATTACHED == state && nowNs < deadlineNs;
    }

    boolean hasEnded()
    {
        return State.ENDED == state;
    }

    int poll(final long nowNs)
    {
        int work = incoming.poll(assembler, 32);
        if (null != announces) { work += announces.poll(assembler, 32); }
        switch (state)
        {
            case BACKOFF -> { if (nowNs >= nextNs) { attach(nowNs); } }
            case ATTACHING -> waitForAnswer(nowNs);
            case ATTACHED -> stayAttached(nowNs);
            case DETACHING -> { if (nowNs >= giveUpNs) { state = State.ENDED; } }
            case ENDED -> { }
        }
        return work;
    }

    private boolean send(final int length)
    {
        return control.offer(buffer, 0, MessageHeaderEncoder.ENCODED_LENGTH + length) > 0;
    }

    private void attach(final long nowNs)
    {
        correlationId++;
        state = State.ATTACHING;
        giveUpNs = nowNs + 10 * REPEAT_NS;
        nextNs = nowNs;
        waitForAnswer(nowNs);
    }

    /** The same request again until it is answered: the driver recognises it by its correlation id. */
    private void waitForAnswer(final long nowNs)
    {
        if (nowNs >= giveUpNs)
        {
            backOff("no answer", nowNs);
            return;
        }
        if (nowNs < nextNs) { return; }
        final ShmAttachRequestEncoder request = new ShmAttachRequestEncoder().wrapAndApplyHeader(buffer, 0, headerOut);
        request.correlationId(correlationId).streamId(Integer.toUnsignedLong(options.stream)).clientId(clientId).role(role)
            .expectedLayoutVersion(Layout.VERSION).publishMode(options.create ? PublishMode.EXISTING_OR_CREATE : PublishMode.NULL_VAL)
            .requireHugepages(HugepagesPolicy.get((short)options.pages)).desiredNodeId(ShmAttachRequestEncoder.desiredNodeIdNullValue());
        final boolean sent = send(request.encodedLength());
        nextNs = nowNs + (sent ? REPEAT_NS : REPEAT_NS / 20);
    }

    private void stayAttached(final long nowNs)
    {
        if (nowNs - heardNs > 3 * options.announcePeriodNs)
        {
            lose("no announce for three periods", nowNs);
            return;
        }
        if (nowNs >= deadlineNs && !options.mute)        // one that says nothing waits to hear of the end: that is what it is for
        {
            lose("the lease has ended by our clock", nowNs);
            return;
        }
        if (nowNs < nextNs || options.mute) { return; }
        final ShmLeaseKeepaliveEncoder keepalive = new ShmLeaseKeepaliveEncoder().wrapAndApplyHeader(buffer, 0, headerOut);
        keepalive.leaseId(leaseId).streamId(Integer.toUnsignedLong(streamId)).clientId(clientId).role(role).clientTimestampNs(nowNs);
        if (send(keepalive.encodedLength()))
        {
            keepalives++;
            deadlineNs = nowNs + leaseNs;
            nextNs = nowNs + Math.min(SECOND_NS, leaseNs / 4);
        }
    }

    /** Ends the lease, if there is one, and waits for the answer; may be called again meanwhile. */
    void detach(final long nowNs)
    {
        if (State.DETACHING == state || State.ENDED == state) { return; }
        if (State.ATTACHED != state)
        {
            state = State.ENDED;
            return;
        }
        owner.lost("detaching");
        state = State.DETACHING;
        giveUpNs = nowNs + 5 * SECOND_NS;
        final ShmDetachRequestEncoder request = new ShmDetachRequestEncoder().wrapAndApplyHeader(buffer, 0, headerOut);
        request.correlationId(++correlationId).leaseId(leaseId).streamId(Integer.toUnsignedLong(streamId)).clientId(clientId).role(role);
        for (int i = 0; i < 1000 && !send(request.encodedLength()); i++)
        {
            Thread.onSpinWait();
        }
    }

    void lose(final String why, final long nowNs)
    {
        owner.lost(why);
        backOff(why, nowNs);
    }

    private void backOff(final String why, final long nowNs)
    {
        Out.event("backoff", "why", why);
        state = State.BACKOFF;
        nextNs = nowNs + backoffNs;
        backoffNs = Math.min(2 * backoffNs, SECOND_NS);
    }

    private void onMessage(final DirectBuffer in, final int offset, final int length, final Header header)
    {
        if (length < MessageHeaderDecoder.ENCODED_LENGTH) { return; }
        headerIn.wrap(in, offset);
        final int template = headerIn.templateId();
        final int body = offset + MessageHeaderDecoder.ENCODED_LENGTH;
        final int block = headerIn.blockLength();
        final int version = headerIn.version();
        if (block > length - MessageHeaderDecoder.ENCODED_LENGTH) { return; }
        final long nowNs = System.nanoTime();
        if (MessageHeaderDecoder.SCHEMA_ID == headerIn.schemaId())
        {
            switch (template)
            {
                case ShmAttachResponseDecoder.TEMPLATE_ID -> onAttachResponse(new ShmAttachResponseDecoder().wrap(in, body, block, version), nowNs);
                case ShmDetachResponseDecoder.TEMPLATE_ID -> onDetachResponse(new ShmDetachResponseDecoder().wrap(in, body, block, version));
                case ShmLeaseRevokedDecoder.TEMPLATE_ID -> onRevoked(new ShmLeaseRevokedDecoder().wrap(in, body, block, version), nowNs);
                case ShmDriverShutdownDecoder.TEMPLATE_ID -> onShutdown(nowNs);
                default -> { }
            }
        }
        else if (shm.tensorpool.control.MessageHeaderDecoder.SCHEMA_ID == headerIn.schemaId())
        {
            if (ShmPoolAnnounceDecoder.TEMPLATE_ID == template)
            {
                onAnnounce(new ShmPoolAnnounceDecoder().wrap(in, body, block, version), header.sessionId(), nowNs);
            }
            else if (ConsumerConfigDecoder.TEMPLATE_ID == template)
            {
                owner.configured(new ConsumerConfigDecoder().wrap(in, body, block, version));
            }
        }
    }

    /** The checks of 3.8. */
    private void onAttachResponse(final ShmAttachResponseDecoder response, final long nowNs)
    {
        if (State.ATTACHING != state || response.correlationId() != correlationId) { return; }
        if (0 != response.codeRaw())
        {
            while (response.payloadPools().hasNext()) { return; }
            response.skipHeaderRegionUri();
            final String why = response.errorMessage();
            Out.event("refused", "code", response.codeRaw(), "why", why);
            if ("client_id already attached".equals(why)) { clientId = ThreadLocalRandom.current().nextInt(1, Integer.MAX_VALUE); }
            if (options.onlyOnce) { state = State.ENDED; }
            else { backOff(why, nowNs); }
            return;
        }
        final List<Regions.Pool> pools = new ArrayList<>();
        for (final ShmAttachResponseDecoder.PayloadPoolsDecoder pool : response.payloadPools())
        {
            pools.add(new Regions.Pool(pool.poolId(), (int)pool.poolNslots(), (int)pool.strideBytes(), pool.regionUri()));
        }
        final Regions.Geometry geometry = new Regions.Geometry((int)response.streamId(), response.epoch(), (int)response.layoutVersion(),
            (int)response.headerNslots(), response.headerSlotBytes(), pools, response.headerRegionUri());
        if (-1 == response.leaseId() || 0 == response.leaseId() || -1 == response.epoch() || null != geometry.fault())
        {
            backOff("the answer is no valid grant: " + geometry.fault(), nowNs);
            return;
        }
        leaseId = response.leaseId();
        streamId = geometry.streamId();
        leaseNs = -1 == response.leaseExpiryTimestampNs() ? 3 * SECOND_NS : response.leaseExpiryTimestampNs() - nowNs;
        deadlineNs = nowNs + leaseNs;
        nextNs = nowNs + leaseNs / 4;
        heardNs = nowNs;
        highestEpoch = geometry.epoch();
        backoffNs = FIRST_BACKOFF_NS;
        state = State.ATTACHED;
        Out.event("attached", "stream", Integer.toUnsignedLong(streamId), "epoch", geometry.epoch(), "lease", Long.toUnsignedString(leaseId),
            "client", Integer.toUnsignedLong(clientId), "node", response.nodeId(), "pools", pools.size());
        owner.attached(geometry);
    }

    private void onDetachResponse(final ShmDetachResponseDecoder response)
    {
        if (State.DETACHING != state || response.correlationId() != correlationId) { return; }
        Out.event("detached", "code", response.codeRaw());
        state = State.ENDED;
    }

    private void onRevoked(final ShmLeaseRevokedDecoder notice, final long nowNs)
    {
        if (State.ATTACHED != state || notice.streamId() != Integer.toUnsignedLong(streamId)) { return; }
        if (notice.leaseId() == leaseId && notice.role() == role)
        {
            Out.event("revoked", "reason", notice.reasonRaw());
            lose("revoked", nowNs);
        }
        else if (Role.PRODUCER == notice.role())
        {
            owner.producerRevoked();
        }
    }

    private void onShutdown(final long nowNs)
    {
        if (State.ATTACHED != state) { return; }
        Out.event("shutdown");
        lose("the driver has shut down", nowNs);
    }

    /** A1 to A6; the rest is up to the mapping. */
    private void onAnnounce(final ShmPoolAnnounceDecoder announce, final int session, final long nowNs)
    {
        if (State.ATTACHED != state || announce.streamId() != Integer.toUnsignedLong(streamId)) { return; }
        final long at = announce.announceTimestampNs();
        final Long join;
        synchronized (joinedNs) { join = joinedNs.get(session); }
        if (1 != announce.announceClockDomainRaw() || nowNs - at > 3 * options.announcePeriodNs || null == join || at < join) { return; }
        if (-1 == announce.epoch() || announce.epoch() < highestEpoch) { return; }
        heardNs = nowNs;
        if (Role.PRODUCER == role && announce.epoch() > highestEpoch)
        {
            lose("another epoch is announced", nowNs);
            return;
        }
        highestEpoch = announce.epoch();
        final List<Regions.Pool> pools = new ArrayList<>();
        for (final ShmPoolAnnounceDecoder.PayloadPoolsDecoder pool : announce.payloadPools())
        {
            pools.add(new Regions.Pool(pool.poolId(), (int)pool.poolNslots(), (int)pool.strideBytes(), pool.regionUri()));
        }
        owner.announced(new Regions.Geometry(streamId, announce.epoch(), (int)announce.layoutVersion(), (int)announce.headerNslots(),
            announce.headerSlotBytes(), pools, announce.headerRegionUri()), nowNs);
    }

    /** The bases that regions may lie below, in canonical form. */
    static List<Path> bases(final Options options) throws java.io.IOException
    {
        return List.of(Path.of(options.base).toRealPath());
    }

    static ExclusivePublication descriptors(final Aeron aeron, final Options options)
    {
        return aeron.addExclusivePublication(options.channel, options.descriptorStream);
    }
}
