/*
 * The sign of life of regions (S-056): the header ring of each announced stream is opened read-only after the checks every mapper makes, and its
 * superblock read now and then. Read, not mapped: a file cut by its owner is a short read and no signal (trap M6).
 */
#include <unistd.h>
#include <utlist.h>

#include "common/alloc.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/log.h"
#include "shm/region.h"
#include "shm/uri.h"
#include "supervisor/supervisor_state.h"

#define WATCHED_MAX 512                /* open files */
#define OPENS_PER_TICK 16
#define BASES_RETRY_NS TPI_NS_PER_S

void tpi_supervisor_open_bases(tpi_supervisor_t *supervisor)
{
    const char *dirs[TP_CONFIG_BASE_DIRS_MAX];
    const uint32_t count = supervisor->config.allowed_base_dir_count;
    if (0 == count || supervisor->has_bases || supervisor->now_ns < supervisor->bases_ns) { return; }
    for (uint32_t i = 0; i < count; i++) { dirs[i] = supervisor->config.allowed_base_dirs[i]; }
    supervisor->bases_ns = supervisor->now_ns + BASES_RETRY_NS;
    supervisor->has_bases = 0 == tpi_base_dirs_init(&supervisor->bases, dirs, count);
    if (!supervisor->has_bases) { TPI_LOG_DEBUG("the sign of life of regions is not watched yet: %s", tp_errmsg()); }
}

void tpi_supervisor_unwatch_region(tpi_supervisor_t *supervisor, tpi_watched_stream_t *stream)
{
    tpi_region_watch_t *const region = stream->regions;
    if (NULL == region) { return; }
    stream->regions = NULL;
    DL_DELETE(supervisor->regions, region);
    supervisor->region_count--;
    if (region->fd >= 0) { (void)close(region->fd); }
    tpi_free(region->uri);
    tpi_free(region);
}

void tpi_supervisor_watch_region(tpi_supervisor_t *supervisor, tpi_watched_stream_t *stream, tpc_bytes_t uri)
{
    const tpi_region_watch_t *const old = stream->regions;
    tpi_supervisor_open_bases(supervisor);
    if (!supervisor->has_bases || (NULL != old && old->epoch == stream->epoch)) { return; }
    tpi_supervisor_unwatch_region(supervisor, stream);
    if (uri.length >= TPI_URI_MAX) { return; }
    tpi_region_watch_t *const region = supervisor->region_count < WATCHED_MAX ? tpi_alloc(sizeof(*region)) : NULL;
    if (NULL == region)
    {
        supervisor->stats.limits++;
        return;
    }
    region->fd = -1;
    region->epoch = stream->epoch;
    region->uri = tpi_strndup(uri.data, uri.length);
    region->stream = stream;
    stream->regions = region;
    DL_APPEND(supervisor->regions, region);
    supervisor->region_count++;
}

static void open_region(tpi_supervisor_t *supervisor, tpi_region_watch_t *region)
{
    tpi_region_uri_t uri;
    const size_t length = strlen(region->uri);
    region->changed_ns = supervisor->now_ns;
    if (tpi_region_uri_parse(&uri, region->uri, length) < 0 ||
        (region->fd = tpi_path_open_region(&supervisor->bases, &uri, false, TPI_SUPERBLOCK_BYTES, NULL)) < 0)
    {
        TPI_LOG_DEBUG("stream %u: its regions are not watched: %s", region->stream->stream_id, tp_errmsg());
    }
    tpi_free(region->uri);
    region->uri = NULL;
}

void tpi_supervisor_regions_tick(tpi_supervisor_t *supervisor)
{
    int opens = OPENS_PER_TICK;
    tpi_region_watch_t *region = NULL;
    DL_FOREACH(supervisor->regions, region)
    {
        if (NULL != region->uri && opens-- > 0) { open_region(supervisor, region); }
        if (region->fd < 0) { continue; }
        uint8_t superblock[TPI_SUPERBLOCK_BYTES];
        const ssize_t n = pread(region->fd, superblock, sizeof(superblock), 0);
        if (n < (ssize_t)sizeof(superblock)) { continue; }     /* no sign of life either */
        const uint64_t activity_ns = tpi_u64_at(superblock, TPC_SUPERBLOCK_ACTIVITY_AT);
        if (activity_ns == region->activity_ns) { continue; }
        region->activity_ns = activity_ns;
        region->changed_ns = supervisor->now_ns;
    }
}

int64_t tpi_supervisor_region_silence_ns(const tpi_supervisor_t *supervisor, const tpi_watched_stream_t *stream)
{
    const tpi_region_watch_t *const region = stream->regions;
    return NULL == region || region->fd < 0 ? 0 : supervisor->now_ns - region->changed_ns;
}
