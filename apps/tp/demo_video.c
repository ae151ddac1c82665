/* Pictures for the demos. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "connect.h"
#include "demo_video.h"
#include "out.h"

#define SQUARE 100U                    /* side of the bouncing square */

size_t demo_video_bytes(const demo_video_t *video) { return (size_t)video->width * (size_t)video->height * 3; }

int demo_video_open(demo_video_t *video, const char *file, int width, int height)
{
    int ends[2];
    char size[32];
    *video = (demo_video_t){ .width = width, .height = height, .fd = -1 };
    if (NULL == file) { return CLI_OK; }
    snprintf(size, sizeof(size), "%dx%d", width, height);
    const char *const words[] = { "ffmpeg", "-nostdin", "-v", "error", "-stream_loop", "-1", "-i", file, "-an", "-f", "rawvideo", "-pix_fmt",
        "rgb24", "-s",
        size, "pipe:1", NULL };
    const pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) < 0) { return cli_error(TP_EIO, NULL, "no pipe for ffmpeg: %s", strerror(errno)); }
    (void)fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
    video->ffmpeg = fork();
    if (0 == video->ffmpeg)
    {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0UL, 0UL, 0UL);
        if (getppid() != parent || dup2(ends[1], STDOUT_FILENO) < 0) { _exit(127); }
        signal(SIGPIPE, SIG_DFL);
        execvp(words[0], (char *const *)(uintptr_t)words);
        dprintf(STDERR_FILENO, "ffmpeg: %s\n", strerror(errno));
        _exit(127);
    }
    close(ends[1]);
    video->fd = ends[0];
    return video->ffmpeg > 0 ? CLI_OK : cli_error(TP_EIO, NULL, "ffmpeg cannot be started: %s", strerror(errno));
}

bool demo_video_wait(const demo_video_t *video)
{
    struct pollfd ready = { video->fd, POLLIN, 0 };
    const int64_t end_ns = cli_now_ns() + 12 * CLI_NS_PER_S;
    while (video->fd >= 0 && !cli_stopped() && cli_now_ns() < end_ns)
    {
        if (poll(&ready, 1, 200) > 0) { return true; }
    }
    return video->fd < 0;
}

/* A gradient that scrolls, and a square that bounces. */
static void draw(uint64_t number, const demo_video_t *video, uint8_t *to)
{
    const uint64_t width = (uint64_t)video->width;
    const uint64_t height = (uint64_t)video->height;
    const uint64_t span_x = 2 * (width - SQUARE);
    const uint64_t span_y = 2 * (height - SQUARE);
    const uint64_t px = number * 11 % span_x;
    const uint64_t py = number * 7 % span_y;
    const uint64_t left = px < span_x / 2 ? px : span_x - px;
    const uint64_t top = py < span_y / 2 ? py : span_y - py;
    for (uint64_t y = 0; y < height; y++)
    {
        for (uint64_t x = 0; x < width; x++)
        {
            const bool square = x - left < SQUARE && y - top < SQUARE;
            *to++ = square ? 255 : (uint8_t)(x + number);
            *to++ = square ? 220 : (uint8_t)(y + 2 * number);
            *to++ = square ? 40 : (uint8_t)((x + y) / 2);
        }
    }
}

bool demo_video_next(demo_video_t *video, void *payload)
{
    const size_t bytes = demo_video_bytes(video);
    size_t done = 0;
    if (video->fd < 0)
    {
        draw(video->drawn++, video, payload);
        return true;
    }
    while (done < bytes)
    {
        const ssize_t count = read(video->fd, (uint8_t *)payload + done, bytes - done);
        if (count < 0 && EINTR == errno) { continue; }
        if (count <= 0)
        {
            cli_error(TP_EIO, "is ffmpeg there (apt-get install ffmpeg), and is this a video?", "demo producer: ffmpeg ended");
            return false;
        }
        done += (size_t)count;
    }
    return true;
}

void demo_video_close(demo_video_t *video)
{
    if (video->ffmpeg > 0)
    {
        (void)kill(video->ffmpeg, SIGKILL);
        close(video->fd);
        (void)waitpid(video->ffmpeg, NULL, 0);
    }
    video->ffmpeg = 0;
    video->fd = -1;
}
