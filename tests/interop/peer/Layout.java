import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Bytes in shared memory, typed from the tables of 10-wire.md sections 6 and 7 by hand: neither the codecs generated from the schemas nor
 * anything of the C library is used, so that a fault in either shows. All values are little-endian, most are not aligned.
 */
final class Layout
{
    static final int SUPERBLOCK_BYTES = 64;
    static final int SLOT_BYTES = 256;
    static final int SLOT_WORDS = SLOT_BYTES / 8;
    static final int VERSION = 1;
    static final int MAX_DIMS = 8;
    static final long MAGIC = 0x544F504C53484D31L;
    static final short HEADER_RING = 1;
    static final short PAYLOAD_POOL = 2;
    static final short DTYPE_UINT8 = 1;
    static final short ORDER_ROW = 1;
    static final short ORDER_COLUMN = 2;
    static final int NULL_U32 = -1;
    private static final long LIMIT = 0xFFFFFFFFL;
    private static final int HEADER_BYTES = 192;

    private Layout()
    {
    }

    /** ShmRegionSuperblock, section 6.1. */
    record Superblock(long magic, int layoutVersion, long epoch, int streamId, short regionType, int poolId, int nslots, int slotBytes,
        int strideBytes, long pid, long startTimestampNs, long activityTimestampNs)
    {
        static Superblock of(final ByteBuffer region)
        {
            return new Superblock(region.getLong(0), region.getInt(8), region.getLong(12), region.getInt(20), region.getShort(24),
                region.getShort(26) & 0xFFFF, region.getInt(28), region.getInt(32), region.getInt(36), region.getLong(40), region.getLong(48),
                region.getLong(56));
        }

        byte[] bytes()
        {
            return ByteBuffer.allocate(SUPERBLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(magic).putInt(layoutVersion).putLong(epoch)
                .putInt(streamId).putShort(regionType).putShort((short)poolId).putInt(nslots).putInt(slotBytes).putInt(strideBytes).putLong(pid)
                .putLong(startTimestampNs).putLong(activityTimestampNs).array();
        }
    }

    /** TensorHeader, section 6.2. */
    record Tensor(short dtype, short majorOrder, int ndims, int padAlign, int progressUnit, int progressStrideBytes, int[] dims, int[] strides)
    {
        static Tensor bytesOfShape(final int... shape)
        {
            return new Tensor(DTYPE_UINT8, ORDER_ROW, shape.length, 0, 0, 0, Arrays.copyOf(shape, MAX_DIMS), new int[MAX_DIMS]);
        }

        static Tensor of(final ByteBuffer slot)
        {
            final int[] dims = new int[MAX_DIMS];
            final int[] strides = new int[MAX_DIMS];
            for (int i = 0; i < MAX_DIMS; i++)
            {
                dims[i] = slot.getInt(83 + 4 * i);
                strides[i] = slot.getInt(115 + 4 * i);
            }
            return new Tensor(slot.getShort(72), slot.getShort(74), slot.get(76) & 0xFF, slot.get(77) & 0xFF, slot.get(78) & 0xFF,
                slot.getInt(79), dims, strides);
        }

        void put(final ByteBuffer slot)
        {
            slot.putShort(72, dtype).putShort(74, majorOrder).put(76, (byte)ndims).put(77, (byte)padAlign).put(78, (byte)progressUnit)
                .putInt(79, progressStrideBytes);
            for (int i = 0; i < MAX_DIMS; i++)
            {
                slot.putInt(83 + 4 * i, dims[i]).putInt(115 + 4 * i, strides[i]);
            }
        }

        static int elementBytes(final short dtype)
        {
            return switch (dtype)
            {
                case 1, 2, 11, 13, 14 -> 1;
                case 3, 4 -> 2;
                case 5, 6, 9 -> 4;
                case 7, 8, 10 -> 8;
                default -> 0;
            };
        }

        /** Section 7, T1 to T7: null when the header is valid, else the step that rejects it. */
        String fault()
        {
            if (ndims < 1 || ndims > MAX_DIMS) { return "T1"; }
            if (0 == elementBytes(dtype)) { return "T2"; }
            if (ORDER_ROW != majorOrder && ORDER_COLUMN != majorOrder) { return "T3"; }
            for (int i = 0; i < ndims; i++)
            {
                if (dims[i] < 0 || strides[i] < 0) { return "T4"; }
            }
            final long[] effective = new long[ndims];
            long required = elementBytes(dtype);
            for (int i = 0; i < ndims; i++)
            {
                final int axis = ORDER_ROW == majorOrder ? ndims - 1 - i : i;
                if (required > LIMIT) { return "T6"; }
                effective[axis] = 0 == strides[axis] ? required : strides[axis];
                if (effective[axis] < required) { return "T6"; }
                required = effective[axis] * Math.max(dims[axis], 1);
            }
            if (0 == progressUnit) { return null; }
            if (progressUnit > 2 || (2 == progressUnit && ndims < 2)) { return "T7"; }
            final long progress = progressStrideBytes & LIMIT;
            return 0 == progress || effective[progressUnit - 1] != progress ? "T7" : null;
        }

        @Override
        public boolean equals(final Object other)
        {
            return other instanceof Tensor o && dtype == o.dtype && majorOrder == o.majorOrder && ndims == o.ndims && padAlign == o.padAlign &&
                progressUnit == o.progressUnit && progressStrideBytes == o.progressStrideBytes && Arrays.equals(dims, o.dims) &&
                Arrays.equals(strides, o.strides);
        }

        @Override
        public int hashCode()
        {
            return Arrays.hashCode(dims);
        }
    }

    /** A header slot, section 6.2: SlotHeader, length of headerBytes, embedded message header, TensorHeader. */
    record Slot(long seqCommit, int valuesLenBytes, int payloadSlot, int poolId, int payloadOffset, long timestampNs, int metaVersion,
        Tensor tensor)
    {
        static Slot of(final byte[] image)
        {
            final ByteBuffer slot = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
            return new Slot(slot.getLong(0), slot.getInt(8), slot.getInt(12), slot.getShort(16) & 0xFFFF, slot.getInt(18), slot.getLong(22),
                slot.getInt(30), Tensor.of(slot));
        }

        /** All 256 bytes; what no field covers is zero. */
        byte[] bytes()
        {
            final ByteBuffer slot = ByteBuffer.allocate(SLOT_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            slot.putLong(0, seqCommit).putInt(8, valuesLenBytes).putInt(12, payloadSlot).putShort(16, (short)poolId).putInt(18, payloadOffset)
                .putLong(22, timestampNs).putInt(30, metaVersion).putInt(60, HEADER_BYTES).putShort(64, (short)184).putShort(66, (short)52)
                .putShort(68, (short)900).putShort(70, (short)1);
            tensor.put(slot);
            return slot.array();
        }
    }
}
