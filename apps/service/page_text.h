/* How texts are written into man pages and completion scripts. Used by every program. */
#ifndef APPS_SERVICE_PAGE_TEXT_H
#define APPS_SERVICE_PAGE_TEXT_H

#include <stdio.h>

/* Text of a man page up to its end or to '\v': nothing of it is taken for a request or an escape. page_man_paragraphs makes .PP of empty lines. */
void page_man(FILE *out, const char *text);
void page_man_paragraphs(FILE *out, const char *text);

/* Inside of single quotes of zsh; characters that _arguments reads are escaped. */
void page_zsh(FILE *out, const char *text);

/* A whole word of fish with its quotes. */
void page_fish(FILE *out, const char *text);

/* Words of a shell from the choices "a|b|c". */
void page_choices(FILE *out, const char *choices);

#endif
