#include "apps/service/page_text.h"

#include <stdbool.h>
#include <string.h>

static void man_text(FILE *out, const char *text, bool paragraphs)
{
    bool line_start = true;
    for (; '\0' != *text && '\v' != *text; text++)
    {
        if (line_start && ('.' == *text || '\'' == *text)) { fputs("\\&", out); }
        if ('\\' == *text) { fputs("\\e", out); }
        else if ('-' == *text) { fputs("\\-", out); }
        else if (paragraphs && '\n' == *text && '\n' == text[1]) { fputs("\n.PP", out); }
        else { fputc(*text, out); }
        line_start = '\n' == *text;
    }
}

void page_man(FILE *out, const char *text) { man_text(out, text, false); }
void page_man_paragraphs(FILE *out, const char *text) { man_text(out, text, true); }

void page_zsh(FILE *out, const char *text)
{
    for (; '\0' != *text; text++)
    {
        if ('\'' == *text) { fputs("'\\''", out); }
        else if (NULL != strchr("[]:\\", *text)) { fprintf(out, "\\%c", *text); }
        else { fputc(*text, out); }
    }
}

void page_fish(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; '\0' != *text; text++)
    {
        if ('\'' == *text || '\\' == *text) { fputc('\\', out); }
        fputc(*text, out);
    }
    fputc('\'', out);
}

void page_choices(FILE *out, const char *choices)
{
    for (; '\0' != *choices; choices++) { fputc('|' == *choices ? ' ' : *choices, out); }
}
