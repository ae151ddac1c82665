/* Man page and shell completion of a daemon, made from its option table. */
#ifndef APPS_SERVICE_PAGES_H
#define APPS_SERVICE_PAGES_H

#include <stdbool.h>
#include <stdio.h>

#include "apps/service/program.h"

void pages_man(FILE *out, const service_program_t *program);
/* bash, zsh, fish; false for any other. */
bool pages_completion(FILE *out, const service_program_t *program, const char *shell);

#endif
