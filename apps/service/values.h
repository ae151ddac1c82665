/* Which values of a configuration that was read again differ from those in force. */
#ifndef APPS_SERVICE_VALUES_H
#define APPS_SERVICE_VALUES_H

#include <stdio.h>

#include "config/config.h"

/* Keys and values, in the order they are given. Zeros are empty. */
typedef struct values
{
    char *text;                        /* "key\nvalue\n" ... */
    size_t length;
    FILE *out;
}
values_t;

/* 0, or -1: no memory. Between begin and end values_add is a tpi_config_on_value_t. */
int values_begin(values_t *values);
void values_add(void *values, const char *key, const char *value, const char *source);
int values_end(values_t *values);
void values_free(values_t *values);

/* Each key once whose value is another one, or that only one of them has. How many. */
typedef void (*values_on_difference_t)(void *clientd, const char *key);
size_t values_compare(const values_t *a, const values_t *b, values_on_difference_t handler, void *clientd);

/* Says so in the log: each such key takes effect with a restart. How many. */
size_t values_log_differences(const values_t *in_force, const values_t *read_again);

#endif
