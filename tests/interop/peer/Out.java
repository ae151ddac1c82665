/** One JSON object a line on standard output. */
final class Out
{
    private Out()
    {
    }

    static synchronized void event(final String type, final Object... pairs)
    {
        final StringBuilder line = new StringBuilder("{\"type\":\"").append(type).append('"');
        for (int i = 0; i < pairs.length; i += 2)
        {
            line.append(",\"").append(pairs[i]).append("\":");
            final Object value = pairs[i + 1];
            if (value instanceof Integer || value instanceof Short || value instanceof Boolean) { line.append(value); }
            else { line.append('"').append(String.valueOf(value).replaceAll("[\"\\\\\\p{Cntrl}]", "_")).append('"'); }
        }
        System.out.println(line.append('}'));
        System.out.flush();
    }
}
