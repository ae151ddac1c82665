import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

import shm.tensorpool.control.ShmRegionSuperblockDecoder;
import shm.tensorpool.control.SlotHeaderDecoder;
import shm.tensorpool.control.TensorHeaderDecoder;

/**
 * Reads with the Java codecs of the same schemas what the C codec wrote, and the golden files, and compares every field.
 * Arguments: the file of messages, the file of expected fields, the directory of golden files.
 */
public final class SecondDecoder
{
    /** The fields of one message, one line each. */
    private static final class Lines
    {
        final List<String> lines = new ArrayList<>();
        final UnsafeBuffer view = new UnsafeBuffer(0, 0);

        void number(final String name, final long value)
        {
            lines.add(name + "=" + value);
        }

        void unsigned(final String name, final long value)
        {
            lines.add(name + "=" + Long.toUnsignedString(value));
        }

        /** The var-data that was wrapped last, in hexadecimal. */
        void view(final String name)
        {
            final StringBuilder text = new StringBuilder(name).append("=");
            for (int i = 0; i < view.capacity(); i++)
            {
                text.append(String.format("%02x", view.getByte(i)));
            }
            lines.add(text.toString());
        }
    }

    private static void shmPoolAnnounce(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.control.ShmPoolAnnounceDecoder m =
            new shm.tensorpool.control.ShmPoolAnnounceDecoder().wrap(buffer, offset, blockLength, version);
        out.number("streamId", m.streamId());
        out.number("producerId", m.producerId());
        out.unsigned("epoch", m.epoch());
        out.unsigned("announceTimestampNs", m.announceTimestampNs());
        out.number("announceClockDomain", m.announceClockDomainRaw());
        out.number("layoutVersion", m.layoutVersion());
        out.number("headerNslots", m.headerNslots());
        out.number("headerSlotBytes", m.headerSlotBytes());
        final shm.tensorpool.control.ShmPoolAnnounceDecoder.PayloadPoolsDecoder payloadPools = m.payloadPools();
        out.number("payloadPools", payloadPools.count());
        while (payloadPools.hasNext())
        {
            payloadPools.next();
            out.number("poolId", payloadPools.poolId());
            out.number("poolNslots", payloadPools.poolNslots());
            out.number("strideBytes", payloadPools.strideBytes());
            payloadPools.wrapRegionUri(out.view);
            out.view("regionUri");
        }
        m.wrapHeaderRegionUri(out.view);
        out.view("headerRegionUri");
    }

    private static void consumerHello(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.control.ConsumerHelloDecoder m =
            new shm.tensorpool.control.ConsumerHelloDecoder().wrap(buffer, offset, blockLength, version);
        out.number("streamId", m.streamId());
        out.number("consumerId", m.consumerId());
        out.number("supportsShm", m.supportsShmRaw());
        out.number("supportsProgress", m.supportsProgressRaw());
        out.number("mode", m.modeRaw());
        out.number("maxRateHz", m.maxRateHz());
        out.number("expectedLayoutVersion", m.expectedLayoutVersion());
        out.number("progressIntervalUs", m.progressIntervalUs());
        out.number("progressBytesDelta", m.progressBytesDelta());
        out.number("progressMajorDeltaUnits", m.progressMajorDeltaUnits());
        out.number("descriptorStreamId", m.descriptorStreamId());
        out.number("controlStreamId", m.controlStreamId());
        m.wrapDescriptorChannel(out.view);
        out.view("descriptorChannel");
        m.wrapControlChannel(out.view);
        out.view("controlChannel");
    }

    private static void consumerConfig(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.control.ConsumerConfigDecoder m =
            new shm.tensorpool.control.ConsumerConfigDecoder().wrap(buffer, offset, blockLength, version);
        out.number("streamId", m.streamId());
        out.number("consumerId", m.consumerId());
        out.number("useShm", m.useShmRaw());
        out.number("mode", m.modeRaw());
        out.number("descriptorStreamId", m.descriptorStreamId());
        out.number("controlStreamId", m.controlStreamId());
        m.wrapPayloadFallbackUri(out.view);
        out.view("payloadFallbackUri");
        m.wrapDescriptorChannel(out.view);
        out.view("descriptorChannel");
        m.wrapControlChannel(out.view);
        out.view("controlChannel");
    }

    private static void frameDescriptor(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.control.FrameDescriptorDecoder m =
            new shm.tensorpool.control.FrameDescriptorDecoder().wrap(buffer, offset, blockLength, version);
        out.number("streamId", m.streamId());
        out.unsigned("epoch", m.epoch());
        out.unsigned("seq", m.seq());
        out.unsigned("timestampNs", m.timestampNs());
        out.number("metaVersion", m.metaVersion());
        out.unsigned("traceId", m.traceId());
    }

    private static void qosConsumer(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.control.QosConsumerDecoder m =
            new shm.tensorpool.control.QosConsumerDecoder().wrap(buffer, offset, blockLength, version);
        out.number("streamId", m.streamId());
        out.number("consumerId", m.consumerId());
        out.unsigned("epoch", m.epoch());
        out.unsigned("lastSeqSeen", m.lastSeqSeen());
        out.unsigned("dropsGap", m.dropsGap());
        out.unsigned("dropsLate", m.dropsLate());
        out.number("mode", m.modeRaw());
    }

    private static void qosProducer(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.control.QosProducerDecoder m =
            new shm.tensorpool.control.QosProducerDecoder().wrap(buffer, offset, blockLength, version);
        out.number("streamId", m.streamId());
        out.number("producerId", m.producerId());
        out.unsigned("epoch", m.epoch());
        out.unsigned("currentSeq", m.currentSeq());
        out.number("watermark", m.watermark());
    }

    private static void dataSourceAnnounce(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.control.DataSourceAnnounceDecoder m =
            new shm.tensorpool.control.DataSourceAnnounceDecoder().wrap(buffer, offset, blockLength, version);
        out.number("streamId", m.streamId());
        out.number("producerId", m.producerId());
        out.unsigned("epoch", m.epoch());
        out.number("metaVersion", m.metaVersion());
        m.wrapName(out.view);
        out.view("name");
        m.wrapSummary(out.view);
        out.view("summary");
    }

    private static void dataSourceMeta(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.control.DataSourceMetaDecoder m =
            new shm.tensorpool.control.DataSourceMetaDecoder().wrap(buffer, offset, blockLength, version);
        out.number("streamId", m.streamId());
        out.number("metaVersion", m.metaVersion());
        out.unsigned("timestampNs", m.timestampNs());
        final shm.tensorpool.control.DataSourceMetaDecoder.AttributesDecoder attributes = m.attributes();
        out.number("attributes", attributes.count());
        while (attributes.hasNext())
        {
            attributes.next();
            attributes.wrapKey(out.view);
            out.view("key");
            attributes.wrapFormat(out.view);
            out.view("format");
            attributes.wrapValue(out.view);
            out.view("value");
        }
    }

    private static void controlResponse(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.control.ControlResponseDecoder m =
            new shm.tensorpool.control.ControlResponseDecoder().wrap(buffer, offset, blockLength, version);
        out.number("correlationId", m.correlationId());
        out.number("code", m.codeRaw());
        m.wrapErrorMessage(out.view);
        out.view("errorMessage");
    }

    private static void metaBlobAnnounce(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.control.MetaBlobAnnounceDecoder m =
            new shm.tensorpool.control.MetaBlobAnnounceDecoder().wrap(buffer, offset, blockLength, version);
        out.number("streamId", m.streamId());
        out.number("metaVersion", m.metaVersion());
        out.number("blobType", m.blobType());
        out.unsigned("totalLen", m.totalLen());
        out.unsigned("checksum", m.checksum());
    }

    private static void frameProgress(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.control.FrameProgressDecoder m =
            new shm.tensorpool.control.FrameProgressDecoder().wrap(buffer, offset, blockLength, version);
        out.number("streamId", m.streamId());
        out.unsigned("epoch", m.epoch());
        out.unsigned("seq", m.seq());
        out.unsigned("payloadBytesFilled", m.payloadBytesFilled());
        out.number("state", m.stateRaw());
    }

    private static void metaBlobChunk(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.control.MetaBlobChunkDecoder m =
            new shm.tensorpool.control.MetaBlobChunkDecoder().wrap(buffer, offset, blockLength, version);
        out.number("streamId", m.streamId());
        out.number("metaVersion", m.metaVersion());
        out.unsigned("chunkOffset", m.chunkOffset());
        m.wrapBytes(out.view);
        out.view("bytes");
    }

    private static void metaBlobComplete(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.control.MetaBlobCompleteDecoder m =
            new shm.tensorpool.control.MetaBlobCompleteDecoder().wrap(buffer, offset, blockLength, version);
        out.number("streamId", m.streamId());
        out.number("metaVersion", m.metaVersion());
        out.unsigned("checksum", m.checksum());
    }

    private static void shmAttachRequest(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.driver.ShmAttachRequestDecoder m =
            new shm.tensorpool.driver.ShmAttachRequestDecoder().wrap(buffer, offset, blockLength, version);
        out.number("correlationId", m.correlationId());
        out.number("streamId", m.streamId());
        out.number("clientId", m.clientId());
        out.number("role", m.roleRaw());
        out.number("expectedLayoutVersion", m.expectedLayoutVersion());
        out.number("publishMode", m.publishModeRaw());
        out.number("requireHugepages", m.requireHugepagesRaw());
        out.number("desiredNodeId", m.desiredNodeId());
    }

    private static void shmAttachResponse(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.driver.ShmAttachResponseDecoder m =
            new shm.tensorpool.driver.ShmAttachResponseDecoder().wrap(buffer, offset, blockLength, version);
        out.number("correlationId", m.correlationId());
        out.number("code", m.codeRaw());
        out.unsigned("leaseId", m.leaseId());
        out.unsigned("leaseExpiryTimestampNs", m.leaseExpiryTimestampNs());
        out.number("streamId", m.streamId());
        out.unsigned("epoch", m.epoch());
        out.number("layoutVersion", m.layoutVersion());
        out.number("headerNslots", m.headerNslots());
        out.number("headerSlotBytes", m.headerSlotBytes());
        out.number("nodeId", m.nodeId());
        final shm.tensorpool.driver.ShmAttachResponseDecoder.PayloadPoolsDecoder payloadPools = m.payloadPools();
        out.number("payloadPools", payloadPools.count());
        while (payloadPools.hasNext())
        {
            payloadPools.next();
            out.number("poolId", payloadPools.poolId());
            out.number("poolNslots", payloadPools.poolNslots());
            out.number("strideBytes", payloadPools.strideBytes());
            payloadPools.wrapRegionUri(out.view);
            out.view("regionUri");
        }
        m.wrapHeaderRegionUri(out.view);
        out.view("headerRegionUri");
        m.wrapErrorMessage(out.view);
        out.view("errorMessage");
    }

    private static void shmDetachRequest(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.driver.ShmDetachRequestDecoder m =
            new shm.tensorpool.driver.ShmDetachRequestDecoder().wrap(buffer, offset, blockLength, version);
        out.number("correlationId", m.correlationId());
        out.unsigned("leaseId", m.leaseId());
        out.number("streamId", m.streamId());
        out.number("clientId", m.clientId());
        out.number("role", m.roleRaw());
    }

    private static void shmDetachResponse(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.driver.ShmDetachResponseDecoder m =
            new shm.tensorpool.driver.ShmDetachResponseDecoder().wrap(buffer, offset, blockLength, version);
        out.number("correlationId", m.correlationId());
        out.number("code", m.codeRaw());
        m.wrapErrorMessage(out.view);
        out.view("errorMessage");
    }

    private static void shmLeaseKeepalive(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.driver.ShmLeaseKeepaliveDecoder m =
            new shm.tensorpool.driver.ShmLeaseKeepaliveDecoder().wrap(buffer, offset, blockLength, version);
        out.unsigned("leaseId", m.leaseId());
        out.number("streamId", m.streamId());
        out.number("clientId", m.clientId());
        out.number("role", m.roleRaw());
        out.unsigned("clientTimestampNs", m.clientTimestampNs());
    }

    private static void shmDriverShutdown(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.driver.ShmDriverShutdownDecoder m =
            new shm.tensorpool.driver.ShmDriverShutdownDecoder().wrap(buffer, offset, blockLength, version);
        out.unsigned("timestampNs", m.timestampNs());
        out.number("reason", m.reasonRaw());
        m.wrapErrorMessage(out.view);
        out.view("errorMessage");
    }

    private static void shmLeaseRevoked(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.driver.ShmLeaseRevokedDecoder m =
            new shm.tensorpool.driver.ShmLeaseRevokedDecoder().wrap(buffer, offset, blockLength, version);
        out.unsigned("timestampNs", m.timestampNs());
        out.unsigned("leaseId", m.leaseId());
        out.number("streamId", m.streamId());
        out.number("clientId", m.clientId());
        out.number("role", m.roleRaw());
        out.number("reason", m.reasonRaw());
        m.wrapErrorMessage(out.view);
        out.view("errorMessage");
    }

    private static void shmDriverShutdownRequest(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.driver.ShmDriverShutdownRequestDecoder m =
            new shm.tensorpool.driver.ShmDriverShutdownRequestDecoder().wrap(buffer, offset, blockLength, version);
        out.number("correlationId", m.correlationId());
        out.number("reason", m.reasonRaw());
        m.wrapToken(out.view);
        out.view("token");
        m.wrapErrorMessage(out.view);
        out.view("errorMessage");
    }

    private static void bridgeFrameChunk(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.bridge.BridgeFrameChunkDecoder m =
            new shm.tensorpool.bridge.BridgeFrameChunkDecoder().wrap(buffer, offset, blockLength, version);
        out.number("streamId", m.streamId());
        out.unsigned("epoch", m.epoch());
        out.unsigned("seq", m.seq());
        out.unsigned("traceId", m.traceId());
        out.number("chunkIndex", m.chunkIndex());
        out.number("chunkCount", m.chunkCount());
        out.number("chunkOffset", m.chunkOffset());
        out.number("chunkLength", m.chunkLength());
        out.number("payloadLength", m.payloadLength());
        out.number("payloadCrc32c", m.payloadCrc32c());
        out.number("headerIncluded", m.headerIncludedRaw());
        m.wrapHeaderBytes(out.view);
        out.view("headerBytes");
        m.wrapPayloadBytes(out.view);
        out.view("payloadBytes");
    }

    private static void sequenceMergeMapAnnounce(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.merge.SequenceMergeMapAnnounceDecoder m =
            new shm.tensorpool.merge.SequenceMergeMapAnnounceDecoder().wrap(buffer, offset, blockLength, version);
        out.number("outStreamId", m.outStreamId());
        out.unsigned("epoch", m.epoch());
        out.unsigned("staleTimeoutNs", m.staleTimeoutNs());
        final shm.tensorpool.merge.SequenceMergeMapAnnounceDecoder.RulesDecoder rules = m.rules();
        out.number("rules", rules.count());
        while (rules.hasNext())
        {
            rules.next();
            out.number("inputStreamId", rules.inputStreamId());
            out.number("ruleType", rules.ruleTypeRaw());
            out.number("offset", rules.offset());
            out.number("windowSize", rules.windowSize());
        }
    }

    private static void sequenceMergeMapRequest(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.merge.SequenceMergeMapRequestDecoder m =
            new shm.tensorpool.merge.SequenceMergeMapRequestDecoder().wrap(buffer, offset, blockLength, version);
        out.number("outStreamId", m.outStreamId());
        out.unsigned("epoch", m.epoch());
    }

    private static void timestampMergeMapAnnounce(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.merge.TimestampMergeMapAnnounceDecoder m =
            new shm.tensorpool.merge.TimestampMergeMapAnnounceDecoder().wrap(buffer, offset, blockLength, version);
        out.number("outStreamId", m.outStreamId());
        out.unsigned("epoch", m.epoch());
        out.unsigned("staleTimeoutNs", m.staleTimeoutNs());
        out.number("clockDomain", m.clockDomainRaw());
        out.unsigned("latenessNs", m.latenessNs());
        final shm.tensorpool.merge.TimestampMergeMapAnnounceDecoder.RulesDecoder rules = m.rules();
        out.number("rules", rules.count());
        while (rules.hasNext())
        {
            rules.next();
            out.number("inputStreamId", rules.inputStreamId());
            out.number("ruleType", rules.ruleTypeRaw());
            out.number("timestampSource", rules.timestampSourceRaw());
            out.number("offsetNs", rules.offsetNs());
            out.unsigned("windowNs", rules.windowNs());
        }
    }

    private static void timestampMergeMapRequest(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.merge.TimestampMergeMapRequestDecoder m =
            new shm.tensorpool.merge.TimestampMergeMapRequestDecoder().wrap(buffer, offset, blockLength, version);
        out.number("outStreamId", m.outStreamId());
        out.unsigned("epoch", m.epoch());
    }

    private static void traceLinkSet(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.tracelink.TraceLinkSetDecoder m =
            new shm.tensorpool.tracelink.TraceLinkSetDecoder().wrap(buffer, offset, blockLength, version);
        out.number("streamId", m.streamId());
        out.unsigned("epoch", m.epoch());
        out.unsigned("seq", m.seq());
        out.unsigned("traceId", m.traceId());
        final shm.tensorpool.tracelink.TraceLinkSetDecoder.ParentsDecoder parents = m.parents();
        out.number("parents", parents.count());
        while (parents.hasNext())
        {
            parents.next();
            out.unsigned("traceId", parents.traceId());
        }
    }

    private static void discoveryRequest(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.discovery.DiscoveryRequestDecoder m =
            new shm.tensorpool.discovery.DiscoveryRequestDecoder().wrap(buffer, offset, blockLength, version);
        out.unsigned("requestId", m.requestId());
        out.number("clientId", m.clientId());
        out.number("responseStreamId", m.responseStreamId());
        out.number("streamId", m.streamId());
        out.number("producerId", m.producerId());
        out.unsigned("dataSourceId", m.dataSourceId());
        final shm.tensorpool.discovery.DiscoveryRequestDecoder.TagsDecoder tags = m.tags();
        out.number("tags", tags.count());
        while (tags.hasNext())
        {
            tags.next();
            tags.wrapTag(out.view);
            out.view("tag");
        }
        m.wrapResponseChannel(out.view);
        out.view("responseChannel");
        m.wrapDataSourceName(out.view);
        out.view("dataSourceName");
    }

    private static void discoveryResponse(final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        final shm.tensorpool.discovery.DiscoveryResponseDecoder m =
            new shm.tensorpool.discovery.DiscoveryResponseDecoder().wrap(buffer, offset, blockLength, version);
        out.unsigned("requestId", m.requestId());
        out.number("status", m.statusRaw());
        final shm.tensorpool.discovery.DiscoveryResponseDecoder.ResultsDecoder results = m.results();
        out.number("results", results.count());
        while (results.hasNext())
        {
            results.next();
            out.number("streamId", results.streamId());
            out.number("producerId", results.producerId());
            out.unsigned("epoch", results.epoch());
            out.number("layoutVersion", results.layoutVersion());
            out.number("headerNslots", results.headerNslots());
            out.number("headerSlotBytes", results.headerSlotBytes());
            out.number("maxDims", results.maxDims());
            out.unsigned("dataSourceId", results.dataSourceId());
            out.number("driverControlStreamId", results.driverControlStreamId());
            final shm.tensorpool.discovery.DiscoveryResponseDecoder.ResultsDecoder.PayloadPoolsDecoder payloadPools = results.payloadPools();
            out.number("payloadPools", payloadPools.count());
            while (payloadPools.hasNext())
            {
                payloadPools.next();
                out.number("poolId", payloadPools.poolId());
                out.number("poolNslots", payloadPools.poolNslots());
                out.number("strideBytes", payloadPools.strideBytes());
                payloadPools.wrapRegionUri(out.view);
                out.view("regionUri");
            }
            final shm.tensorpool.discovery.DiscoveryResponseDecoder.ResultsDecoder.TagsDecoder tags = results.tags();
            out.number("tags", tags.count());
            while (tags.hasNext())
            {
                tags.next();
                tags.wrapTag(out.view);
                out.view("tag");
            }
            results.wrapHeaderRegionUri(out.view);
            out.view("headerRegionUri");
            results.wrapDataSourceName(out.view);
            out.view("dataSourceName");
            results.wrapDriverInstanceId(out.view);
            out.view("driverInstanceId");
            results.wrapDriverControlChannel(out.view);
            out.view("driverControlChannel");
        }
        m.wrapErrorMessage(out.view);
        out.view("errorMessage");
    }

    /** key: schema * 100 + template */
    private static void body(
        final int key, final DirectBuffer buffer, final int offset, final int blockLength, final int version, final Lines out)
    {
        switch (key)
        {
            case 90001: shmPoolAnnounce(buffer, offset, blockLength, version, out); break;
            case 90002: consumerHello(buffer, offset, blockLength, version, out); break;
            case 90003: consumerConfig(buffer, offset, blockLength, version, out); break;
            case 90004: frameDescriptor(buffer, offset, blockLength, version, out); break;
            case 90005: qosConsumer(buffer, offset, blockLength, version, out); break;
            case 90006: qosProducer(buffer, offset, blockLength, version, out); break;
            case 90007: dataSourceAnnounce(buffer, offset, blockLength, version, out); break;
            case 90008: dataSourceMeta(buffer, offset, blockLength, version, out); break;
            case 90009: controlResponse(buffer, offset, blockLength, version, out); break;
            case 90010: metaBlobAnnounce(buffer, offset, blockLength, version, out); break;
            case 90011: frameProgress(buffer, offset, blockLength, version, out); break;
            case 90012: metaBlobChunk(buffer, offset, blockLength, version, out); break;
            case 90013: metaBlobComplete(buffer, offset, blockLength, version, out); break;
            case 90101: shmAttachRequest(buffer, offset, blockLength, version, out); break;
            case 90102: shmAttachResponse(buffer, offset, blockLength, version, out); break;
            case 90103: shmDetachRequest(buffer, offset, blockLength, version, out); break;
            case 90104: shmDetachResponse(buffer, offset, blockLength, version, out); break;
            case 90105: shmLeaseKeepalive(buffer, offset, blockLength, version, out); break;
            case 90106: shmDriverShutdown(buffer, offset, blockLength, version, out); break;
            case 90107: shmLeaseRevoked(buffer, offset, blockLength, version, out); break;
            case 90108: shmDriverShutdownRequest(buffer, offset, blockLength, version, out); break;
            case 90201: bridgeFrameChunk(buffer, offset, blockLength, version, out); break;
            case 90301: sequenceMergeMapAnnounce(buffer, offset, blockLength, version, out); break;
            case 90302: sequenceMergeMapRequest(buffer, offset, blockLength, version, out); break;
            case 90303: timestampMergeMapAnnounce(buffer, offset, blockLength, version, out); break;
            case 90304: timestampMergeMapRequest(buffer, offset, blockLength, version, out); break;
            case 90401: traceLinkSet(buffer, offset, blockLength, version, out); break;
            case 91001: discoveryRequest(buffer, offset, blockLength, version, out); break;
            case 91002: discoveryResponse(buffer, offset, blockLength, version, out); break;
            default: out.lines.add("unknown message " + key);
        }
    }

    private static void message(final DirectBuffer buffer, final Lines out)
    {
        final shm.tensorpool.control.MessageHeaderDecoder header = new shm.tensorpool.control.MessageHeaderDecoder().wrap(buffer, 0);
        out.number("blockLength", header.blockLength());
        out.number("templateId", header.templateId());
        out.number("schemaId", header.schemaId());
        out.number("version", header.version());
        final int key = header.schemaId() * 100 + header.templateId();
        body(key, buffer, header.encodedLength(), header.blockLength(), header.version(), out);
    }

    private static void superblock(final DirectBuffer buffer, final Lines out)
    {
        final ShmRegionSuperblockDecoder m = new ShmRegionSuperblockDecoder().wrap(buffer, 0, 64, 1);
        out.unsigned("magic", m.magic());
        out.number("layoutVersion", m.layoutVersion());
        out.unsigned("epoch", m.epoch());
        out.number("streamId", m.streamId());
        out.number("regionType", m.regionTypeRaw());
        out.number("poolId", m.poolId());
        out.number("nslots", m.nslots());
        out.number("slotBytes", m.slotBytes());
        out.number("strideBytes", m.strideBytes());
        out.unsigned("pid", m.pid());
        out.unsigned("startTimestampNs", m.startTimestampNs());
        out.unsigned("activityTimestampNs", m.activityTimestampNs());
    }

    private static void slot(final DirectBuffer buffer, final Lines out)
    {
        final SlotHeaderDecoder m = new SlotHeaderDecoder().wrap(buffer, 0, 60, 1);
        out.unsigned("seqCommit", m.seqCommit());
        out.number("valuesLenBytes", m.valuesLenBytes());
        out.number("payloadSlot", m.payloadSlot());
        out.number("poolId", m.poolId());
        out.number("payloadOffset", m.payloadOffset());
        out.unsigned("timestampNs", m.timestampNs());
        out.number("metaVersion", m.metaVersion());
        for (int i = 0; i < SlotHeaderDecoder.padLength(); i++)
        {
            if (0 != m.pad(i)) { out.lines.add("pad is not zero"); }
        }
        m.wrapHeaderBytes(out.view);
        out.number("headerBytes", out.view.capacity());
        final shm.tensorpool.control.MessageHeaderDecoder header = new shm.tensorpool.control.MessageHeaderDecoder().wrap(out.view, 0);
        out.number("blockLength", header.blockLength());
        out.number("templateId", header.templateId());
        out.number("schemaId", header.schemaId());
        out.number("version", header.version());
        final TensorHeaderDecoder t = new TensorHeaderDecoder().wrapAndApplyHeader(out.view, 0, header);
        out.number("dtype", t.dtypeRaw());
        out.number("majorOrder", t.majorOrderRaw());
        out.number("ndims", t.ndims());
        out.number("progressUnit", t.progressUnitRaw());
        out.number("progressStrideBytes", t.progressStrideBytes());
        for (int i = 0; i < TensorHeaderDecoder.dimsLength(); i++) { out.number("dims", t.dims(i)); }
        for (int i = 0; i < TensorHeaderDecoder.stridesLength(); i++) { out.number("strides", t.strides(i)); }
        for (int i = 0; i < TensorHeaderDecoder.padLength(); i++)
        {
            if (0 != t.pad(i)) { out.lines.add("pad is not zero"); }
        }
    }

    private static List<String> decode(final String kind, final byte[] bytes)
    {
        final Lines out = new Lines();
        final UnsafeBuffer buffer = new UnsafeBuffer(bytes);
        try
        {
            switch (kind)
            {
                case "message": message(buffer, out); break;
                case "superblock": superblock(buffer, out); break;
                case "slot": slot(buffer, out); break;
                default: out.lines.add("unknown kind " + kind);
            }
        }
        catch (final RuntimeException failure)
        {
            out.lines.add("failed: " + failure);
        }
        return out.lines;
    }

    /** Bytes like "0A" or "00*26"; # starts a comment. */
    private static byte[] golden(final Path file) throws IOException
    {
        final byte[] bytes = new byte[65536];
        int length = 0;
        for (final String line : Files.readAllLines(file, StandardCharsets.US_ASCII))
        {
            for (final String word : line.replaceAll("#.*", "").trim().split("\\s+"))
            {
                if (!word.isEmpty())
                {
                    final String[] parts = word.split("\\*");
                    final int times = 2 == parts.length ? Integer.parseInt(parts[1]) : 1;
                    Arrays.fill(bytes, length, length + times, (byte)Integer.parseInt(parts[0], 16));
                    length += times;
                }
            }
        }
        return Arrays.copyOf(bytes, length);
    }

    private static byte[] next(final DataInputStream in) throws IOException
    {
        final byte[] length = new byte[4];
        in.readFully(length);
        final byte[] bytes = new byte[new UnsafeBuffer(length).getInt(0, java.nio.ByteOrder.LITTLE_ENDIAN)];
        in.readFully(bytes);
        return bytes;
    }

    public static void main(final String[] args) throws IOException
    {
        int records = 0;
        int wrong = 0;
        try (InputStream file = Files.newInputStream(Paths.get(args[0])); DataInputStream in = new DataInputStream(file))
        {
            final List<String> all = Files.readAllLines(Paths.get(args[1]), StandardCharsets.US_ASCII);
            for (int at = 0; at < all.size(); )
            {
                final String title = all.get(at++);        // "= kind golden-file" or "= kind -"
                final String[] words = title.split(" ");
                final List<String> expected = new ArrayList<>();
                while (at < all.size() && !all.get(at).startsWith("= ")) { expected.add(all.get(at++)); }
                final byte[] bytes = "-".equals(words[2]) ? next(in) : golden(Paths.get(args[2], words[2] + ".hex"));
                final List<String> actual = decode(words[1], bytes);
                records++;
                if (!expected.equals(actual))
                {
                    wrong++;
                    System.out.println(title + "\n  expected " + expected + "\n  decoded  " + actual);
                }
            }
            if (-1 != in.read()) { throw new EOFException("messages are left over"); }
        }
        System.out.println(records + " messages, " + wrong + " differ");
        System.exit(0 == records || 0 != wrong ? 1 : 0);
    }

    private SecondDecoder()
    {
    }
}
