/* The rows of the verb table; each verb lives in a file of its own. */
#ifndef APPS_TP_VERBS_H
#define APPS_TP_VERBS_H

#include "cli.h"

extern const cli_verb_t verb_demo;
extern const cli_verb_t verb_ls;
extern const cli_verb_t verb_info;
extern const cli_verb_t verb_discover;
extern const cli_verb_t verb_pub;
extern const cli_verb_t verb_sub;
extern const cli_verb_t verb_echo;
extern const cli_verb_t verb_join;
extern const cli_verb_t verb_hz;
extern const cli_verb_t verb_bw;
extern const cli_verb_t verb_delay;
extern const cli_verb_t verb_view;
extern const cli_verb_t verb_bench;
extern const cli_verb_t verb_stat;
extern const cli_verb_t verb_errors;
extern const cli_verb_t verb_top;
extern const cli_verb_t verb_trace;
extern const cli_verb_t verb_lease;
extern const cli_verb_t verb_driver;
extern const cli_verb_t verb_shm;
extern const cli_verb_t verb_config;
extern const cli_verb_t verb_doctor;
extern const cli_verb_t verb_env;
extern const cli_verb_t verb_version;
extern const cli_verb_t verb_completion;
extern const cli_verb_t verb_demo_producer;
extern const cli_verb_t verb_demo_consumer;
extern const cli_verb_t verb_bench_publisher;
extern const cli_verb_t verb_bench_subscriber;
extern const cli_verb_t verb_pipeline_camera;
extern const cli_verb_t verb_pipeline_small;
extern const cli_verb_t verb_pipeline_joined;
extern const cli_verb_t verb_pipeline_viewer;

#endif
