/* Help, man pages and shell completion, all from the verb and option tables. */
#include <stdlib.h>
#include <string.h>

#include "apps/service/page_text.h"
#include "cli.h"
#include "out.h"

static void option_words(char *buffer, size_t size, const cli_option_t *option)
{
    char value[64] = "";
    if (CLI_TEXT_OPTIONAL == option->type) { snprintf(value, sizeof(value), "[=%s]", option->value); }
    else if (CLI_FLAG != option->type) { snprintf(value, sizeof(value), " %s", option->value); }
    if (0 != option->letter) { snprintf(buffer, size, "-%c, --%s%s", option->letter, option->name, value); }
    else { snprintf(buffer, size, "    --%s%s", option->name, value); }
}

static void help_options(FILE *out, const cli_option_t *options)
{
    for (; NULL != options && NULL != options->name; options++)
    {
        char words[128];
        if (NULL == options->help) { continue; }
        option_words(words, sizeof(words), options);
        if (strlen(words) > 32) { fprintf(out, "  %s\n  %-32s  %s\n", words, "", options->help); }
        else { fprintf(out, "  %-32s  %s\n", words, options->help); }
    }
}

void cli_help_all(FILE *out)
{
    fputs("Usage: tp [OPTIONS] VERB [ARGUMENTS]\n\nTensor pools: look at streams, publish, consume, check.\n\n", out);
    for (const cli_verb_t *const *verb = cli_verbs; NULL != *verb; verb++)
    {
        char words[64];
        if ((*verb)->hidden) { continue; }
        snprintf(words, sizeof(words), "%s %s", (*verb)->name, NULL != (*verb)->words ? (*verb)->words : (*verb)->arguments);
        fprintf(out, "  %-32s  %s\n", words, (*verb)->summary);
    }
    fputs("\nOptions of every verb:\n", out);
    help_options(out, cli_global_options);
    fputs("\nSTREAM is a name of the driver's configuration or a decimal id.\n"
        "Exit codes: 0 ok, 1 check failed, 2 usage, 3 no driver, 4 rejected, 5 timeout, 6 data lost or torn.\n"
        "Settings: option, then TP_* variable, then the running driver's endpoint file, then default; `tp env` shows all.\n", out);
}

void cli_help_verb(FILE *out, const cli_verb_t *verb)
{
    fprintf(out, "Usage: tp %s%s%s [OPTIONS]\n\n%s.\n", verb->name, '\0' != verb->arguments[0] ? " " : "", verb->arguments, verb->summary);
    if (NULL != verb->text) { fprintf(out, "\n%s\n", verb->text); }
    if (NULL != verb->options && NULL != verb->options->name)
    {
        fputs("\nOptions:\n", out);
        help_options(out, verb->options);
    }
    fputs("\nOptions of every verb:\n", out);
    help_options(out, cli_global_options);
}

static void man_options(FILE *out, const cli_option_t *options)
{
    for (; NULL != options && NULL != options->name; options++)
    {
        char words[128];
        if (NULL == options->help) { continue; }
        option_words(words, sizeof(words), options);
        fputs(".TP\n.B ", out);
        page_man(out, words + strspn(words, " "));
        fputc('\n', out);
        page_man(out, options->help);
        fputc('\n', out);
    }
}

void cli_man(FILE *out, const cli_verb_t *verb)
{
    if (NULL == verb)
    {
        fprintf(out, ".TH TP 1 \"\" \"tensor_pool %s\"\n.SH NAME\ntp \\- tensor pools on the command line\n.SH SYNOPSIS\n.B tp\n"
            "[OPTIONS] VERB [ARGUMENTS]\n.SH DESCRIPTION\nLooks at streams of tensor pools, publishes, consumes, checks, administers the "
            "driver. A stream is a name of the driver's\nconfiguration or a decimal id.\n.SH VERBS\n", TPI_VERSION);
        for (const cli_verb_t *const *at = cli_verbs; NULL != *at; at++)
        {
            if ((*at)->hidden) { continue; }
            fprintf(out, ".TP\n.BR tp\\-%s (1) \" %s\"\n", (*at)->name, (*at)->arguments);
            page_man(out, (*at)->summary);
            fputc('\n', out);
        }
        fputs(".SH OPTIONS\n", out);
    }
    else
    {
        fprintf(out, ".TH TP-%s 1 \"\" \"tensor_pool %s\"\n.SH NAME\ntp\\-%s \\- ", verb->name, TPI_VERSION, verb->name);
        page_man(out, verb->summary);
        fprintf(out, "\n.SH SYNOPSIS\n.B tp %s\n%s [OPTIONS]\n", verb->name, verb->arguments);
        if (NULL != verb->text)
        {
            fputs(".SH DESCRIPTION\n.nf\n", out);
            page_man(out, verb->text);
            fputs("\n.fi\n", out);
        }
        fputs(".SH OPTIONS\n", out);
        man_options(out, verb->options);
    }
    man_options(out, cli_global_options);
    fputs(".SH ENVIRONMENT\n.BR TP_AERON_DIR ,\n.BR TP_DRIVER ,\n.BR TP_CLIENT_NAME ,\n.BR TP_ALLOWED_BASE_DIRS ,\n.BR TP_LOG_LEVEL ,\n"
        ".B TP_RUNTIME_DIR\nand more: tp env shows each setting with its source. An option comes first, then the variable, then the endpoint "
        "file of\nthe running driver, then the default.\n", out);
    fputs(".SH EXIT STATUS\n0 ok, 1 check failed, 2 usage, 3 no driver, 4 rejected, 5 timeout, 6 data lost or torn.\n.SH SEE ALSO\n", out);
    fputs(NULL == verb ? ".BR tp_driver (1)\n" : ".BR tp (1),\n.BR tp_driver (1)\n", out);
}
