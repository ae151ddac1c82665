import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

import io.aeron.Aeron;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import org.agrona.concurrent.BackoffIdleStrategy;

import sun.misc.Signal;

/** A producer, a consumer and a media driver that share nothing with the C library: written from docs/spec. */
public final class Peer
{
    static volatile boolean stopped;

    private Peer()
    {
    }

    static void idle()
    {
        LockSupport.parkNanos(200_000);
    }

    public static void main(final String[] arguments) throws Exception
    {
        Signal.handle(new Signal("TERM"), signal -> stopped = true);
        Signal.handle(new Signal("INT"), signal -> stopped = true);
        switch (arguments[0])
        {
            case "golden" -> golden(Path.of(arguments[1]));
            case "media-driver" -> mediaDriver(Options.of(arguments, 1));
            default -> client(arguments[0], Options.of(arguments, 1));
        }
    }

    private static void client(final String verb, final Options options)
    {
        final Aeron.Context context = new Aeron.Context().aeronDirectoryName(options.aeronDir).errorHandler(error ->
        {
            Out.event("error", "why", error);
            System.exit(3);
        });
        try (Aeron aeron = Aeron.connect(context))
        {
            if ("produce".equals(verb)) { new Producer(aeron, options).run(); }
            else if ("consume".equals(verb)) { new Consumer(aeron, options).run(); }
            else { throw new IllegalArgumentException("unknown verb " + verb); }
        }
    }

    private static void mediaDriver(final Options options)
    {
        final MediaDriver.Context context = new MediaDriver.Context().aeronDirectoryName(options.aeronDir).dirDeleteOnStart(true)
            .dirDeleteOnShutdown(true).threadingMode(ThreadingMode.SHARED).termBufferSparseFile(true).ipcTermBufferLength(1 << 20)
            .sharedIdleStrategy(new BackoffIdleStrategy(10, 20, 1000, 1_000_000));
        try (MediaDriver driver = MediaDriver.launch(context))
        {
            Out.event("ready", "dir", driver.aeronDirectoryName());
            while (!stopped)
            {
                LockSupport.parkNanos(20_000_000);
            }
        }
    }

    /** Bytes of a golden file: "00*26" is a byte 26 times, "#" starts a comment. */
    private static byte[] load(final Path file) throws IOException
    {
        final java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
        for (final String line : Files.readAllLines(file))
        {
            for (final String word : line.replaceFirst("#.*", "").trim().split("\\s+"))
            {
                if (word.isEmpty()) { continue; }
                final String[] parts = word.split("\\*");
                for (int i = parts.length < 2 ? 1 : Integer.parseInt(parts[1]); i > 0; i--)
                {
                    bytes.write(Integer.parseInt(parts[0], 16));
                }
            }
        }
        return bytes.toByteArray();
    }

    private static void same(final String what, final byte[] expected, final byte[] found)
    {
        if (Arrays.equals(expected, found)) { return; }
        final int at = Arrays.mismatch(expected, found);
        throw new AssertionError(what + ": byte " + at + " of " + found.length + " differs, " + expected.length + " expected");
    }

    /** Both ways: the golden bytes are what the tables make of the values, and the values are what the tables make of the bytes. */
    private static void golden(final Path directory) throws IOException
    {
        final byte[] block = load(directory.resolve("shm_superblock.hex"));
        final Layout.Superblock superblock = new Layout.Superblock(Layout.MAGIC, 1, 0x0102030405060708L, 10000, Layout.PAYLOAD_POOL, 3, 1024, 65536,
            65536, 4242, 0x1122334455667788L, 0x1122334455667789L);
        same("superblock", block, superblock.bytes());
        final Layout.Superblock read = Layout.Superblock.of(ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN));
        if (!read.equals(superblock)) { throw new AssertionError("superblock: " + read); }
        final byte[] image = load(directory.resolve("shm_slot.hex"));
        final Layout.Tensor tensor = new Layout.Tensor((short)3, Layout.ORDER_ROW, 2, 0, 1, 1280, new int[]{480, 640, 0, 0, 0, 0, 0, 0},
            new int[]{1280, 2, 0, 0, 0, 0, 0, 0});
        final Layout.Slot slot = new Layout.Slot(5 << 1 | 1, 614400, 5, 3, 0, 0x1122334455667788L, 9, tensor);
        same("slot", image, slot.bytes());
        if (!Layout.Slot.of(image).equals(slot) || null != tensor.fault()) { throw new AssertionError("slot: " + Layout.Slot.of(image)); }
        Out.event("golden", "bytes", block.length + image.length);
    }
}
