/* Man page and shell completion of tp_driver, made from its option table. */
#ifndef TP_DRIVER_PAGES_H
#define TP_DRIVER_PAGES_H

#include <stdbool.h>
#include <stdio.h>

void pages_man(FILE *out);
/* bash, zsh, fish; false for any other. */
bool pages_completion(FILE *out, const char *shell);

#endif
