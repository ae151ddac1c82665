import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The mapped regions of one epoch: 10-wire.md sections 6, 8 and 10, 11-shm-security.md sections 2 and 4. Used by one thread. */
final class Regions
{
    /** What an announce and an attach response have in common. */
    record Pool(int poolId, int nslots, int strideBytes, String uri)
    {
    }

    record Geometry(int streamId, long epoch, int layoutVersion, int nslots, int slotBytes, List<Pool> pools, String headerUri)
    {
        /** A7 and A8, null when all is well. */
        String fault()
        {
            if (Layout.VERSION != layoutVersion) { return "layoutVersion " + layoutVersion; }
            if (Layout.SLOT_BYTES != slotBytes) { return "headerSlotBytes " + slotBytes; }
            if (nslots <= 0 || 1 != Integer.bitCount(nslots)) { return "headerNslots " + Integer.toUnsignedString(nslots); }
            final Set<Integer> ids = new HashSet<>();
            for (final Pool pool : pools)
            {
                if (!ids.add(pool.poolId) || pool.nslots != nslots || pool.strideBytes <= 0 || 0 != pool.strideBytes % 64)
                {
                    return "pool " + pool;
                }
            }
            return pools.isEmpty() ? "no pools" : null;
        }
    }

    private static final String SCHEME = "shm:file?path=";
    private static final VarHandle WORD = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    final Geometry geometry;
    private final boolean writable;
    private final MappedByteBuffer ring;
    private final List<MappedByteBuffer> payloads = new ArrayList<>();
    private final byte[] image = new byte[Layout.SLOT_BYTES];
    private final ByteBuffer imageWords = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);

    /** Maps everything or nothing. */
    Regions(final Geometry geometry, final List<Path> bases, final boolean writable) throws IOException
    {
        this.geometry = geometry;
        this.writable = writable;
        if (null != geometry.fault()) { throw new IOException("geometry: " + geometry.fault()); }
        ring = map(geometry.headerUri, bases, Layout.SLOT_BYTES);
        for (final Pool pool : geometry.pools)
        {
            payloads.add(map(pool.uri, bases, pool.strideBytes));
        }
        final String fault = fault();
        if (null != fault) { throw new IOException(fault); }
    }

    static Path pathOf(final String uri) throws IOException
    {
        if (!uri.startsWith(SCHEME)) { throw new IOException("scheme of " + uri); }
        final String[] parts = uri.substring(SCHEME.length()).split("\\|", -1);
        final boolean known = 1 == parts.length || (2 == parts.length && parts[1].matches("require_hugepages=(true|false)"));
        if (!known || !parts[0].matches("/[\\x21-\\x7E&&[^?|]]+")) { throw new IOException("parameters of " + uri); }
        return Path.of(parts[0]);
    }

    /** K1 to K8 as far as Java reaches. */
    private MappedByteBuffer map(final String uri, final List<Path> bases, final int slotBytes) throws IOException
    {
        final Path path = pathOf(uri).toRealPath();
        if (bases.stream().noneMatch(base -> path.startsWith(base) && !path.equals(base))) { throw new IOException("not below a base: " + path); }
        if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) { throw new IOException("no regular file: " + path); }
        if (uri.endsWith("=true") && !"hugetlbfs".equals(Files.getFileStore(path).type())) { throw new IOException("no huge pages: " + path); }
        final StandardOpenOption[] options = writable ?
            new StandardOpenOption[]{StandardOpenOption.READ, StandardOpenOption.WRITE} : new StandardOpenOption[]{StandardOpenOption.READ};
        final long bytes = Layout.SUPERBLOCK_BYTES + (long)geometry.nslots * slotBytes;
        try (FileChannel file = FileChannel.open(path, options))
        {
            if (file.size() < bytes) { throw new IOException(path + " has " + file.size() + " bytes, needs " + bytes); }
            final MappedByteBuffer mapped = file.map(writable ? FileChannel.MapMode.READ_WRITE : FileChannel.MapMode.READ_ONLY, 0, bytes);
            mapped.order(ByteOrder.LITTLE_ENDIAN);
            return mapped;
        }
    }

    /** 10.3 for every region, null when all fit. */
    String fault()
    {
        if (!fits(Layout.Superblock.of(ring), Layout.HEADER_RING, 0)) { return "superblock of the ring: " + Layout.Superblock.of(ring); }
        for (int i = 0; i < payloads.size(); i++)
        {
            final Layout.Superblock block = Layout.Superblock.of(payloads.get(i));
            final Pool pool = geometry.pools.get(i);
            if (!fits(block, Layout.PAYLOAD_POOL, pool.poolId) || block.strideBytes() != pool.strideBytes) { return "superblock " + block; }
        }
        return null;
    }

    private boolean fits(final Layout.Superblock block, final short type, final int poolId)
    {
        return Layout.MAGIC == block.magic() && Layout.VERSION == block.layoutVersion() && geometry.epoch == block.epoch() &&
            geometry.streamId == block.streamId() && type == block.regionType() && poolId == block.poolId() && geometry.nslots == block.nslots() &&
            (Layout.HEADER_RING != type || Layout.SLOT_BYTES == block.slotBytes()) && 0 != block.pid();
    }

    /** Who made the regions: the driver. */
    long creator()
    {
        return Layout.Superblock.of(ring).pid();
    }

    /** A11: the oldest sign of life of any region. */
    long oldestActivityNs()
    {
        long oldest = (long)WORD.getOpaque(ring, 56);
        for (final MappedByteBuffer each : payloads)
        {
            oldest = Math.min(oldest, (long)WORD.getOpaque(each, 56));
        }
        return oldest;
    }

    /** Producers refresh every region once per announce period. */
    void refreshActivity(final long nowNs)
    {
        WORD.setRelease(ring, 56, nowNs);
        for (final MappedByteBuffer each : payloads)
        {
            WORD.setRelease(each, 56, nowNs);
        }
    }

    /** The smallest pool that holds so many bytes, -1 when none does. */
    int poolFor(final int bytes)
    {
        int best = -1;
        for (int i = 0; i < payloads.size(); i++)
        {
            final int stride = geometry.pools.get(i).strideBytes;
            if (stride >= bytes && (best < 0 || stride < geometry.pools.get(best).strideBytes)) { best = i; }
        }
        return best;
    }

    private int slotAt(final long seq)
    {
        return Layout.SUPERBLOCK_BYTES + (int)(seq & (geometry.nslots - 1)) * Layout.SLOT_BYTES;
    }

    private int payloadAt(final long seq, final int pool)
    {
        return Math.toIntExact(Layout.SUPERBLOCK_BYTES + (seq & (geometry.nslots - 1)) * geometry.pools.get(pool).strideBytes);
    }

    /** P0 to P6. */
    void write(final long seq, final int pool, final byte[] payload, final Layout.Tensor tensor, final long timestampNs)
    {
        final Layout.Slot slot = new Layout.Slot(seq << 1 | 1, payload.length, (int)(seq & (geometry.nslots - 1)), geometry.pools.get(pool).poolId,
            0, timestampNs, Layout.NULL_U32, tensor);
        final ByteBuffer words = ByteBuffer.wrap(slot.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        final int at = slotAt(seq);
        WORD.setRelease(ring, at, seq << 1);
        VarHandle.releaseFence();
        payloads.get(pool).put(payloadAt(seq, pool), payload);
        for (int i = 1; i < Layout.SLOT_WORDS; i++)
        {
            WORD.setOpaque(ring, at + 8 * i, words.getLong(8 * i));
        }
        WORD.setRelease(ring, at, seq << 1 | 1);
    }

    /** A frame that was read whole. */
    record Frame(Layout.Slot slot, byte[] image, byte[] payload)
    {
    }

    /** Thrown for every DROP; late ones are those of rows 2 and 9 of section 11.1. */
    static final class Dropped extends Exception
    {
        final boolean late;

        Dropped(final boolean late, final String why)
        {
            super(why, null, false, false);
            this.late = late;
        }
    }

    /** C1 to C8, and the checks of 11.1. */
    Frame read(final long seq) throws Dropped
    {
        final int at = slotAt(seq);
        final long word = (long)WORD.getAcquire(ring, at);
        if (seq < 0 || (seq << 1 | 1) != word) { throw new Dropped(true, "word " + Long.toUnsignedString(word)); }
        imageWords.putLong(0, word);
        for (int i = 1; i < Layout.SLOT_WORDS; i++)
        {
            imageWords.putLong(8 * i, (long)WORD.getOpaque(ring, at + 8 * i));
        }
        final Layout.Slot slot = Layout.Slot.of(image);
        final int pool = check(slot, seq);
        final byte[] payload = new byte[slot.valuesLenBytes()];
        payloads.get(pool).get(payloadAt(seq, pool), payload);
        VarHandle.acquireFence();
        if (word != (long)WORD.getOpaque(ring, at)) { throw new Dropped(true, "overwritten"); }
        return new Frame(slot, image.clone(), payload);
    }

    private int check(final Layout.Slot slot, final long seq) throws Dropped
    {
        if (192 != imageWords.getInt(60) || 184 != imageWords.getShort(64) || 52 != imageWords.getShort(66) || 900 != imageWords.getShort(68) ||
            1 != imageWords.getShort(70))
        {
            throw new Dropped(false, "headerBytes");
        }
        if (0 != slot.payloadOffset() || slot.payloadSlot() != (seq & (geometry.nslots - 1))) { throw new Dropped(false, "payloadSlot"); }
        for (int i = 0; i < payloads.size(); i++)
        {
            final Pool pool = geometry.pools.get(i);
            if (pool.poolId != slot.poolId()) { continue; }
            if (Integer.compareUnsigned(slot.valuesLenBytes(), pool.strideBytes) > 0) { throw new Dropped(false, "valuesLenBytes"); }
            if (null != slot.tensor().fault()) { throw new Dropped(false, slot.tensor().fault()); }
            return i;
        }
        throw new Dropped(false, "poolId");
    }
}
