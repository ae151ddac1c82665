/*
 * Counters of a live or dead media driver, read from its cnc.dat in chunks. One thread at a time per reader. Records are copied out before
 * anything in them is looked at.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "bus/bus.h"
#include "bus/cnc.h"
#include "common/alloc.h"
#include "common/err.h"

#define CHUNK 64                        /* records read at once */

#define AT_STATE 0
#define AT_KEY 16
#define AT_LABEL_LENGTH 128
#define AT_LABEL 132

#define ERROR_HEADER_BYTES 24           /* length, observations, last time, first time */
#define ERROR_TEXT_MAX 8191
#define ERROR_LOG_MAX (16 * 1024 * 1024)

_Static_assert(AT_KEY + TPI_COUNTER_KEY_MAX == AT_LABEL_LENGTH, "counter key length drifted");
_Static_assert(AT_LABEL + TPI_COUNTER_LABEL_MAX == TPI_CNC_METADATA_BYTES, "counter label length drifted");

struct tpi_counters_reader
{
    int fd;
    tpi_cnc_layout_t layout;
    uint8_t metadata[CHUNK * TPI_CNC_METADATA_BYTES];
    uint8_t values[CHUNK * TPI_CNC_VALUE_BYTES];
    char label[TPI_COUNTER_LABEL_MAX + 1];
};

int tpi_counters_reader_open(tpi_counters_reader_t **reader, const char *aeron_dir)
{
    if (NULL == reader) { TPI_SET_ERR(TP_EINVAL, "reader = NULL"); return -1; }
    char buffer[1024];
    const char *const dir = NULL == aeron_dir || '\0' == aeron_dir[0] ? tpi_bus_default_aeron_dir(buffer, sizeof(buffer)) : aeron_dir;
    tpi_counters_reader_t *const made = tpi_alloc(sizeof(*made));
    if (NULL == made) { return -1; }
    tpi_cnc_state_t state;
    char problem[160];
    made->fd = tpi_cnc_open(dir, &made->layout, &state, problem, sizeof(problem));
    if (made->fd < 0)
    {
        tpi_free(made);
        if (TPI_CNC_UNUSABLE == state) { TPI_SET_ERR(TP_EIO, "counters of %s cannot be read: %s", dir, problem); return -1; }
        return tpi_cnc_refuse(dir, state, problem);
    }
    *reader = made;
    return 0;
}

static int64_t read_word(int fd, void *into, size_t length, int64_t offset)
{
    uint8_t *at = into;
    size_t done = 0;
    while (done < length)
    {
        const ssize_t n = pread(fd, at + done, length - done, (off_t)(offset + (int64_t)done));
        if (n <= 0) { break; }
        done += (size_t)n;
    }
    return (int64_t)done;
}

static void view_record(tpi_counters_reader_t *reader, size_t in_chunk, int32_t id, tpi_counter_view_t *view)
{
    const uint8_t *const metadata = reader->metadata + in_chunk * TPI_CNC_METADATA_BYTES;
    const uint8_t *const values = reader->values + in_chunk * TPI_CNC_VALUE_BYTES;
    int32_t label_length;
    view->id = id;
    memcpy(&view->type_id, metadata + TPI_CNC_COUNTER_TYPE_ID, sizeof(view->type_id));
    memcpy(&view->value, values, sizeof(view->value));
    memcpy(&view->registration_id, values + 8, sizeof(view->registration_id));
    memcpy(&view->owner_id, values + 16, sizeof(view->owner_id));
    memcpy(&label_length, metadata + AT_LABEL_LENGTH, sizeof(label_length));
    const size_t length = label_length < 0 ? 0 : (label_length > TPI_COUNTER_LABEL_MAX ? TPI_COUNTER_LABEL_MAX : (size_t)label_length);
    memcpy(reader->label, metadata + AT_LABEL, length);
    reader->label[length] = '\0';
    view->label = reader->label;
    view->key = metadata + AT_KEY;
    view->key_length = TPI_COUNTER_KEY_MAX;
}

int tpi_counters_reader_foreach(tpi_counters_reader_t *reader, tpi_on_counter_t handler, void *clientd)
{
    if (NULL == reader || NULL == handler) { TPI_SET_ERR(TP_EINVAL, "reader or handler = NULL"); return -1; }
    const int64_t records = tpi_cnc_counters_max(&reader->layout);
    int count = 0;
    for (int64_t first = 0; first < records; first += CHUNK)
    {
        const size_t wanted = (size_t)(records - first < CHUNK ? records - first : CHUNK);
        const int64_t metadata_at = reader->layout.metadata_at + first * TPI_CNC_METADATA_BYTES;
        const int64_t values_at = reader->layout.values_at + first * TPI_CNC_VALUE_BYTES;
        const int64_t got = read_word(reader->fd, reader->metadata, wanted * TPI_CNC_METADATA_BYTES, metadata_at);
        const int64_t got_values = read_word(reader->fd, reader->values, wanted * TPI_CNC_VALUE_BYTES, values_at);
        for (size_t i = 0; i < wanted; i++)
        {
            int32_t state;
            if ((int64_t)(i + 1) * TPI_CNC_METADATA_BYTES > got || (int64_t)(i + 1) * TPI_CNC_VALUE_BYTES > got_values) { return count; }
            memcpy(&state, reader->metadata + i * TPI_CNC_METADATA_BYTES + AT_STATE, sizeof(state));
            if (TPI_CNC_COUNTER_UNUSED == state) { return count; }
            if (TPI_CNC_COUNTER_ALLOCATED != state) { continue; }
            tpi_counter_view_t view;
            view_record(reader, i, (int32_t)(first + (int64_t)i), &view);
            handler(clientd, &view);
            count++;
        }
    }
    return count;
}

/* ---- distinct errors ------------------------------------------------------------------------------------------------------- */

static void view_error(const uint8_t *record, size_t length, char *text, tpi_bus_error_view_t *view)
{
    const size_t bytes = length - ERROR_HEADER_BYTES < ERROR_TEXT_MAX ? length - ERROR_HEADER_BYTES : ERROR_TEXT_MAX;
    memcpy(&view->observations, record + 4, sizeof(view->observations));
    memcpy(&view->last_ms, record + 8, sizeof(view->last_ms));
    memcpy(&view->first_ms, record + 16, sizeof(view->first_ms));
    for (size_t i = 0; i < bytes; i++)
    {
        const uint8_t byte = record[ERROR_HEADER_BYTES + i];
        text[i] = byte < 0x20 || 0x7f == byte ? ' ' : (char)byte;
    }
    text[bytes] = '\0';
    view->text = text;
}

int tpi_counters_reader_errors(tpi_counters_reader_t *reader, tpi_on_bus_error_t handler, void *clientd)
{
    if (NULL == reader || NULL == handler) { TPI_SET_ERR(TP_EINVAL, "reader or handler = NULL"); return -1; }
    const size_t capacity = reader->layout.errors_length < ERROR_LOG_MAX ? (size_t)reader->layout.errors_length : ERROR_LOG_MAX;
    if (capacity < ERROR_HEADER_BYTES) { return 0; }
    uint8_t *const log = tpi_alloc(capacity);
    char *const text = tpi_alloc(ERROR_TEXT_MAX + 1);
    const size_t got = NULL == log || NULL == text ? 0 : (size_t)read_word(reader->fd, log, capacity, reader->layout.errors_at);
    int count = NULL == log || NULL == text ? -1 : 0;
    for (size_t at = 0; count >= 0 && at + ERROR_HEADER_BYTES <= got;)
    {
        int32_t length;
        memcpy(&length, log + at, sizeof(length));
        if (length < ERROR_HEADER_BYTES || (size_t)length > got - at) { break; }
        tpi_bus_error_view_t view;
        view_error(log + at, (size_t)length, text, &view);
        handler(clientd, &view);
        count++;
        at += ((size_t)length + 7) & ~(size_t)7;
    }
    tpi_free(text);
    tpi_free(log);
    return count;
}

int64_t tpi_counters_reader_heartbeat_ms(const tpi_counters_reader_t *reader)
{
    int64_t value = 0;
    return NULL != reader && tpi_cnc_read_trailer(reader->fd, &reader->layout, TPI_CNC_RB_HEARTBEAT, &value) ? value : 0;
}

int64_t tpi_counters_reader_pid(const tpi_counters_reader_t *reader) { return NULL == reader ? 0 : reader->layout.pid; }

void tpi_counters_reader_close(tpi_counters_reader_t *reader)
{
    if (NULL == reader) { return; }
    (void)close(reader->fd);
    tpi_free(reader);
}
