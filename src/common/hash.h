/*
 * uthash as this library uses it: out of memory is an error of the call, never exit(). After HASH_ADD of element e, e->hh.tbl == NULL says that it
 * was not added.
 */
#ifndef TPI_COMMON_HASH_H
#define TPI_COMMON_HASH_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#endif
