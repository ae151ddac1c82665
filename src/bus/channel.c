/* Parsing of channel texts. No state. Texts come from configuration and from peers: nothing is assumed of them but the terminator. */
#include "bus/channel.h"

#include <ctype.h>
#include <string.h>

#include "common/alloc.h"

bool tpi_channel_param(const char *channel, const char *name, char *value, size_t size)
{
    const size_t name_length = strlen(name);
    const char *at = strchr(channel, '?');
    while (NULL != at)
    {
        at++;
        const size_t length = strcspn(at, "|");
        if (length > name_length && '=' == at[name_length] && 0 == strncmp(at, name, name_length))
        {
            const size_t value_length = length - name_length - 1;
            if (value_length >= size) { return false; }
            memcpy(value, at + name_length + 1, value_length);
            value[value_length] = '\0';
            return true;
        }
        at = '|' == at[length] ? at + length : NULL;
    }
    return false;
}

uint64_t tpi_channel_term_length(const char *channel)
{
    char text[24];
    if (!tpi_channel_param(channel, "term-length", text, sizeof(text))) { return 0; }
    uint64_t value = 0;
    const char *at = text;
    for (; 0 != isdigit((unsigned char)*at); at++)
    {
        value = value * 10 + (uint64_t)(*at - '0');
        if (value > UINT64_C(1) << 40) { return 0; }
    }
    if (at == text) { return 0; }
    unsigned shift = 0;
    switch (tolower((unsigned char)*at))
    {
        case 'g': shift = 30; at++; break;
        case 'm': shift = 20; at++; break;
        case 'k': shift = 10; at++; break;
        default: break;
    }
    return '\0' != *at || value > UINT64_C(1) << 30 >> shift ? 0 : value << shift;
}

bool tpi_channel_is_ipc(const char *channel)
{
    static const char ipc[] = "aeron:ipc";
    const size_t length = sizeof(ipc) - 1;
    return 0 == strncmp(channel, ipc, length) && ('\0' == channel[length] || '?' == channel[length]);
}

static bool same_param(const char *a, const char *b, const char *name)
{
    char value_a[256] = "";
    char value_b[256] = "";
    const bool has_a = tpi_channel_param(a, name, value_a, sizeof(value_a));
    const bool has_b = tpi_channel_param(b, name, value_b, sizeof(value_b));
    return has_a == has_b && 0 == strcmp(value_a, value_b);
}

bool tpi_channel_same_medium(const char *a, const char *b)
{
    const size_t length = strcspn(a, "?");
    return length == strcspn(b, "?") && 0 == strncmp(a, b, length) && same_param(a, b, "endpoint") && same_param(a, b, "control");
}

char *tpi_channel_untethered(const char *channel)
{
    char value[8];
    if (tpi_channel_param(channel, "tether", value, sizeof(value))) { return tpi_strdup(channel); }
    const char *const parameters = strchr(channel, '?');
    const char *const joint = NULL == parameters ? "?" : ('\0' == parameters[1] ? "" : "|");
    return tpi_asprintf("%s%stether=false", channel, joint);
}
