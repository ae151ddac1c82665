/** The command line: a verb, a stream, and options "--name value". */
final class Options
{
    String aeronDir;
    String base = "/dev/shm";
    String channel = "aeron:ipc?term-length=4m";
    int controlStream = 1000;
    int announceStream = 1000;
    int descriptorStream = 1100;
    int qosStream = 1200;
    int stream;
    int pages;
    boolean create;
    boolean onlyOnce;
    boolean mute;
    long announcePeriodNs = 1_000_000_000L;
    long count = Long.MAX_VALUE;
    long seconds = Integer.MAX_VALUE;
    int hz = 100;
    int bytes = 4096;
    int privateStream;
    int maxRateHz;

    static Options of(final String[] arguments, final int from)
    {
        final Options o = new Options();
        for (int i = from; i + 1 < arguments.length; i += 2)
        {
            final String value = arguments[i + 1];
            switch (arguments[i])
            {
                case "--aeron-dir" -> o.aeronDir = value;
                case "--base" -> o.base = value;
                case "--stream" -> o.stream = Integer.parseUnsignedInt(value);
                case "--announce-period-ms" -> o.announcePeriodNs = Long.parseLong(value) * 1_000_000L;
                case "--announce-stream" -> o.announceStream = Integer.parseInt(value);
                case "--pages" -> o.pages = Integer.parseInt(value);
                case "--create" -> o.create = Boolean.parseBoolean(value);
                case "--only-once" -> o.onlyOnce = Boolean.parseBoolean(value);
                case "--mute" -> o.mute = Boolean.parseBoolean(value);
                case "--count" -> o.count = Long.parseLong(value);
                case "--seconds" -> o.seconds = Long.parseLong(value);
                case "--hz" -> o.hz = Integer.parseInt(value);
                case "--bytes" -> o.bytes = Integer.parseInt(value);
                case "--private" -> o.privateStream = Integer.parseInt(value);
                case "--max-rate" -> o.maxRateHz = Integer.parseInt(value);
                default -> throw new IllegalArgumentException("unknown option " + arguments[i]);
            }
        }
        if (0 == (arguments.length - from) % 2) { return o; }
        throw new IllegalArgumentException("option without value: " + arguments[arguments.length - 1]);
    }
}
