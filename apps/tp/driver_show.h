/* Answers of the driver's local socket, written for people. Members that are missing are left out: the driver may be older. */
#ifndef APPS_TP_DRIVER_SHOW_H
#define APPS_TP_DRIVER_SHOW_H

#include <jansson.h>

/* The text of a member, "" when there is none. */
const char *cli_json_text(const json_t *object, const char *key);
void cli_show_status(json_t *answer);
void cli_show_reload(json_t *answer);
void cli_show_log_line(const json_t *line);
void cli_show_streams(const json_t *streams);

#endif
