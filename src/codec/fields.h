/*
 * Which member of our structs holds which field of the schema, and how wide it is. Rows in schema order; offsets are in the
 * generated headers. Read by the codec and by its tests.
 */
#ifndef TPI_CODEC_FIELDS_H
#define TPI_CODEC_FIELDS_H

#define TPI_POOL_ENTRY_FIELDS(F, M) \
    F(M, u16, poolId, pool_id) F(M, u32, poolNslots, pool_nslots) F(M, u32, strideBytes, stride_bytes)

/* Schema 900 */
#define TPI_POOL_ANNOUNCE_FIELDS(F, M) \
    F(M, u32, streamId, stream_id) F(M, u32, producerId, producer_id) F(M, u64, epoch, epoch) \
    F(M, u64, announceTimestampNs, announce_timestamp_ns) F(M, u8, announceClockDomain, announce_clock_domain) \
    F(M, u32, layoutVersion, layout_version) F(M, u32, headerNslots, header_nslots) F(M, u16, headerSlotBytes, header_slot_bytes)
#define TPI_POOL_ANNOUNCE_DATA(V) V(header_region_uri)

#define TPI_CONSUMER_HELLO_FIELDS(F, M) \
    F(M, u32, streamId, stream_id) F(M, u32, consumerId, consumer_id) F(M, u8, supportsShm, supports_shm) \
    F(M, u8, supportsProgress, supports_progress) F(M, u8, mode, mode) F(M, u32, maxRateHz, max_rate_hz) \
    F(M, u32, expectedLayoutVersion, expected_layout_version) F(M, u32, progressIntervalUs, progress_interval_us) \
    F(M, u32, progressBytesDelta, progress_bytes_delta) F(M, u32, progressMajorDeltaUnits, progress_major_delta_units) \
    F(M, u32, descriptorStreamId, descriptor_stream_id) F(M, u32, controlStreamId, control_stream_id)
#define TPI_CONSUMER_HELLO_DATA(V) V(descriptor_channel) V(control_channel)

#define TPI_CONSUMER_CONFIG_FIELDS(F, M) \
    F(M, u32, streamId, stream_id) F(M, u32, consumerId, consumer_id) F(M, u8, useShm, use_shm) F(M, u8, mode, mode) \
    F(M, u32, descriptorStreamId, descriptor_stream_id) F(M, u32, controlStreamId, control_stream_id)
#define TPI_CONSUMER_CONFIG_DATA(V) V(payload_fallback_uri) V(descriptor_channel) V(control_channel)

/* traceId stands apart: older senders have no such field. */
#define TPI_FRAME_DESCRIPTOR_FIELDS(F, M) \
    F(M, u32, streamId, stream_id) F(M, u64, epoch, epoch) F(M, u64, seq, seq) F(M, u64, timestampNs, timestamp_ns) \
    F(M, u32, metaVersion, meta_version)
#define TPI_FRAME_DESCRIPTOR_TRACE(F, M) F(M, u64, traceId, trace_id)

#define TPI_QOS_CONSUMER_FIELDS(F, M) \
    F(M, u32, streamId, stream_id) F(M, u32, consumerId, consumer_id) F(M, u64, epoch, epoch) F(M, u64, lastSeqSeen, last_seq_seen) \
    F(M, u64, dropsGap, drops_gap) F(M, u64, dropsLate, drops_late) F(M, u8, mode, mode)

#define TPI_QOS_PRODUCER_FIELDS(F, M) \
    F(M, u32, streamId, stream_id) F(M, u32, producerId, producer_id) F(M, u64, epoch, epoch) F(M, u64, currentSeq, current_seq) \
    F(M, u32, watermark, watermark)

#define TPI_SOURCE_ANNOUNCE_FIELDS(F, M) \
    F(M, u32, streamId, stream_id) F(M, u32, producerId, producer_id) F(M, u64, epoch, epoch) F(M, u32, metaVersion, meta_version)
#define TPI_SOURCE_ANNOUNCE_DATA(V) V(name) V(summary)

#define TPI_SOURCE_META_FIELDS(F, M) \
    F(M, u32, streamId, stream_id) F(M, u32, metaVersion, meta_version) F(M, u64, timestampNs, timestamp_ns)

#define TPI_CONTROL_RESPONSE_FIELDS(F, M) F(M, i64, correlationId, correlation_id) F(M, i32, code, code)
#define TPI_CONTROL_RESPONSE_DATA(V) V(error_message)

#define TPI_BLOB_ANNOUNCE_FIELDS(F, M) \
    F(M, u32, streamId, stream_id) F(M, u32, metaVersion, meta_version) F(M, u32, blobType, blob_type) F(M, u64, totalLen, total_len) \
    F(M, u64, checksum, checksum)

#define TPI_FRAME_PROGRESS_FIELDS(F, M) \
    F(M, u32, streamId, stream_id) F(M, u64, epoch, epoch) F(M, u64, seq, seq) F(M, u64, payloadBytesFilled, payload_bytes_filled) \
    F(M, u8, state, state)

#define TPI_BLOB_CHUNK_FIELDS(F, M) \
    F(M, u32, streamId, stream_id) F(M, u32, metaVersion, meta_version) F(M, u64, chunkOffset, chunk_offset)
#define TPI_BLOB_CHUNK_DATA(V) V(bytes)

#define TPI_BLOB_COMPLETE_FIELDS(F, M) F(M, u32, streamId, stream_id) F(M, u32, metaVersion, meta_version) F(M, u64, checksum, checksum)

/* Shared memory */
#define TPI_SUPERBLOCK_FIELDS(F, M) \
    F(M, u64, magic, magic) F(M, u32, layoutVersion, layout_version) F(M, u64, epoch, epoch) F(M, u32, streamId, stream_id) \
    F(M, i16, regionType, region_type) F(M, u16, poolId, pool_id) F(M, u32, nslots, nslots) F(M, u32, slotBytes, slot_bytes) \
    F(M, u32, strideBytes, stride_bytes) F(M, u64, pid, pid) F(M, u64, startTimestampNs, start_timestamp_ns) \
    F(M, u64, activityTimestampNs, activity_timestamp_ns)

#define TPI_SLOT_HEADER_FIELDS(F, M) \
    F(M, u64, seqCommit, seq_commit) F(M, u32, valuesLenBytes, values_len_bytes) F(M, u32, payloadSlot, payload_slot) \
    F(M, u16, poolId, pool_id) F(M, u32, payloadOffset, payload_offset) F(M, u64, timestampNs, timestamp_ns) \
    F(M, u32, metaVersion, meta_version)

#define TPI_MESSAGE_HEADER_FIELDS(F, M) \
    F(M, u16, blockLength, block_length) F(M, u16, templateId, template_id) F(M, u16, schemaId, schema_id) F(M, u16, version, version)

#define TPI_TENSOR_HEADER_FIELDS(F, M) \
    F(M, i16, dtype, dtype) F(M, i16, majorOrder, major_order) F(M, u8, ndims, ndims) F(M, u8, progressUnit, progress_unit) \
    F(M, u32, progressStrideBytes, progress_stride_bytes)

/* Schema 901 */
#define TPI_ATTACH_REQUEST_FIELDS(F, M) \
    F(M, i64, correlationId, correlation_id) F(M, u32, streamId, stream_id) F(M, u32, clientId, client_id) F(M, u8, role, role) \
    F(M, u32, expectedLayoutVersion, expected_layout_version) F(M, u8, publishMode, publish_mode) \
    F(M, u8, requireHugepages, require_hugepages) F(M, u32, desiredNodeId, desired_node_id)

#define TPI_ATTACH_RESPONSE_FIELDS(F, M) \
    F(M, i64, correlationId, correlation_id) F(M, i32, code, code) F(M, u64, leaseId, lease_id) \
    F(M, u64, leaseExpiryTimestampNs, lease_expiry_timestamp_ns) F(M, u32, streamId, stream_id) F(M, u64, epoch, epoch) \
    F(M, u32, layoutVersion, layout_version) F(M, u32, headerNslots, header_nslots) F(M, u16, headerSlotBytes, header_slot_bytes) \
    F(M, u32, nodeId, node_id)
#define TPI_ATTACH_RESPONSE_DATA(V) V(header_region_uri) V(error_message)

#define TPI_DETACH_REQUEST_FIELDS(F, M) \
    F(M, i64, correlationId, correlation_id) F(M, u64, leaseId, lease_id) F(M, u32, streamId, stream_id) \
    F(M, u32, clientId, client_id) F(M, u8, role, role)

#define TPI_DETACH_RESPONSE_FIELDS(F, M) F(M, i64, correlationId, correlation_id) F(M, i32, code, code)
#define TPI_DETACH_RESPONSE_DATA(V) V(error_message)

#define TPI_KEEPALIVE_FIELDS(F, M) \
    F(M, u64, leaseId, lease_id) F(M, u32, streamId, stream_id) F(M, u32, clientId, client_id) F(M, u8, role, role) \
    F(M, u64, clientTimestampNs, client_timestamp_ns)

#define TPI_DRIVER_SHUTDOWN_FIELDS(F, M) F(M, u64, timestampNs, timestamp_ns) F(M, u8, reason, reason)
#define TPI_DRIVER_SHUTDOWN_DATA(V) V(error_message)

#define TPI_LEASE_REVOKED_FIELDS(F, M) \
    F(M, u64, timestampNs, timestamp_ns) F(M, u64, leaseId, lease_id) F(M, u32, streamId, stream_id) F(M, u32, clientId, client_id) \
    F(M, u8, role, role) F(M, u8, reason, reason)
#define TPI_LEASE_REVOKED_DATA(V) V(error_message)

#define TPI_SHUTDOWN_REQUEST_FIELDS(F, M) F(M, i64, correlationId, correlation_id) F(M, u8, reason, reason)
#define TPI_SHUTDOWN_REQUEST_DATA(V) V(token) V(error_message)

/* Schema 902 */
#define TPI_FRAME_CHUNK_FIELDS(F, M) \
    F(M, u32, streamId, stream_id) F(M, u64, epoch, epoch) F(M, u64, seq, seq) F(M, u64, traceId, trace_id) \
    F(M, u32, chunkIndex, chunk_index) F(M, u32, chunkCount, chunk_count) F(M, u32, chunkOffset, chunk_offset) \
    F(M, u32, chunkLength, chunk_length) F(M, u32, payloadLength, payload_length) F(M, u32, payloadCrc32c, payload_crc32c) \
    F(M, u8, headerIncluded, header_included)
#define TPI_FRAME_CHUNK_DATA(V) V(header_bytes) V(payload_bytes)

/* Schema 903 */
#define TPI_SEQUENCE_MAP_ANNOUNCE_FIELDS(F, M) \
    F(M, u32, outStreamId, out_stream_id) F(M, u64, epoch, epoch) F(M, u64, staleTimeoutNs, stale_timeout_ns)
#define TPI_SEQUENCE_RULE_FIELDS(F, M) \
    F(M, u32, inputStreamId, input_stream_id) F(M, u8, ruleType, rule_type) F(M, i32, offset, offset) F(M, u32, windowSize, window_size)
#define TPI_TIMESTAMP_MAP_ANNOUNCE_FIELDS(F, M) \
    F(M, u32, outStreamId, out_stream_id) F(M, u64, epoch, epoch) F(M, u64, staleTimeoutNs, stale_timeout_ns) \
    F(M, u8, clockDomain, clock_domain) F(M, u64, latenessNs, lateness_ns)
#define TPI_TIMESTAMP_RULE_FIELDS(F, M) \
    F(M, u32, inputStreamId, input_stream_id) F(M, u8, ruleType, rule_type) F(M, u8, timestampSource, timestamp_source) \
    F(M, i64, offsetNs, offset_ns) F(M, u64, windowNs, window_ns)
#define TPI_SEQUENCE_MAP_REQUEST_FIELDS(F, M) F(M, u32, outStreamId, out_stream_id) F(M, u64, epoch, epoch)
#define TPI_TIMESTAMP_MAP_REQUEST_FIELDS(F, M) F(M, u32, outStreamId, out_stream_id) F(M, u64, epoch, epoch)

/* Schema 904 */
#define TPI_TRACE_LINK_SET_FIELDS(F, M) \
    F(M, u32, streamId, stream_id) F(M, u64, epoch, epoch) F(M, u64, seq, seq) F(M, u64, traceId, trace_id)

/* Schema 910 */
#define TPI_DISCOVERY_REQUEST_FIELDS(F, M) \
    F(M, u64, requestId, request_id) F(M, u32, clientId, client_id) F(M, u32, responseStreamId, response_stream_id) \
    F(M, u32, streamId, stream_id) F(M, u32, producerId, producer_id) F(M, u64, dataSourceId, data_source_id)
#define TPI_DISCOVERY_RESPONSE_FIELDS(F, M) F(M, u64, requestId, request_id) F(M, u8, status, status)
#define TPI_DISCOVERY_RESULT_FIELDS(F, M) \
    F(M, u32, streamId, stream_id) F(M, u32, producerId, producer_id) F(M, u64, epoch, epoch) F(M, u32, layoutVersion, layout_version) \
    F(M, u32, headerNslots, header_nslots) F(M, u16, headerSlotBytes, header_slot_bytes) F(M, u8, maxDims, max_dims) \
    F(M, u64, dataSourceId, data_source_id) F(M, u32, driverControlStreamId, driver_control_stream_id)
#define TPI_DISCOVERY_RESULT_DATA(V) V(header_region_uri) V(data_source_name) V(driver_instance_id) V(driver_control_channel)

#endif
