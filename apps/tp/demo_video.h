/* Pictures of a demo's producer: a video decoded by ffmpeg in a loop, or a moving picture drawn here. 8-bit RGB, rows without gaps. */
#ifndef APPS_TP_DEMO_VIDEO_H
#define APPS_TP_DEMO_VIDEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct demo_video
{
    int width, height;
    pid_t ffmpeg;
    int fd;                            /* its frames, -1 = drawn */
    uint64_t drawn;
}
demo_video_t;
#define DEMO_NO_VIDEO { .fd = -1 }

/* file NULL: drawn. Prints what fails; returns the exit code. */
int demo_video_open(demo_video_t *video, const char *file, int width, int height);
/* Starting to decode takes its time, which is no time of the show. */
bool demo_video_wait(const demo_video_t *video);
/* The next picture; false (and said) when ffmpeg has ended. */
bool demo_video_next(demo_video_t *video, void *payload);
size_t demo_video_bytes(const demo_video_t *video);
void demo_video_close(demo_video_t *video);

#endif
