/* Visibility of public symbols. */
#ifndef TENSOR_POOL_COMMON_TP_EXPORT_H
#define TENSOR_POOL_COMMON_TP_EXPORT_H

#if defined(__GNUC__)
#define TP_EXPORT __attribute__((visibility("default")))
#define TP_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#else
#define TP_EXPORT
#define TP_PRINTF(format_at, args_at)
#endif

#ifdef __cplusplus
#define TP_BEGIN_DECLS extern "C" {
#define TP_END_DECLS }
#else
#define TP_BEGIN_DECLS
#define TP_END_DECLS
#endif

#endif
