/* Man page and shell completion of tp_driver, made from the option table of options.c. */
#include "pages.h"

#include <string.h>

#include "options.h"

static void man_text(FILE *out, const char *text)
{
    for (; '\0' != *text && '\v' != *text; text++)
    {
        if ('\\' == *text) { fputs("\\e", out); }
        else if ('-' == *text) { fputs("\\-", out); }
        else if ('\n' == *text && '\n' == text[1]) { fputs("\n.PP", out); }
        else { fputc(*text, out); }
    }
    fputc('\n', out);
}

static bool is_group(const struct argp_option *option) { return NULL == option->name && 0 == option->key; }
static bool is_end(const struct argp_option *option) { return is_group(option) && NULL == option->doc; }
static bool has_letter(const struct argp_option *option) { return option->key > ' ' && option->key < 127; }

void pages_man(FILE *out)
{
    const char *const rest = strchr(options_doc, '\v');
    fprintf(out, ".TH TP_DRIVER 1 \"\" \"tensor_pool %s\"\n.SH NAME\ntp_driver \\- driver of tensor pools\n.SH SYNOPSIS\n.B tp_driver\n[OPTIONS]\n"
        ".SH DESCRIPTION\n", TPI_VERSION);
    man_text(out, options_doc);
    fputs(".SH OPTIONS\n", out);
    for (const struct argp_option *option = options_table; !is_end(option); option++)
    {
        if (is_group(option)) { fprintf(out, ".SS %s\n", option->doc); continue; }
        fputs(".TP\n.B ", out);
        if (has_letter(option)) { fprintf(out, "\\-%c, ", option->key); }
        fputs("\\-\\-", out);
        for (const char *at = option->name; '\0' != *at; at++) { fputs('-' == *at ? "\\-" : (const char[]){ *at, '\0' }, out); }
        if (NULL != option->arg) { fprintf(out, "=%s", option->arg); }
        fputc('\n', out);
        man_text(out, option->doc);
    }
    fputs(".SH NOTES\n", out);
    man_text(out, NULL != rest ? rest + 1 : "");
    fputs(".SH FILES\n.TP\n.I /run/tensor_pool, $XDG_RUNTIME_DIR/tensor_pool\nendpoint files and local sockets of running drivers\n.TP\n"
        ".I /dev/shm/tensorpool\nregion files\n.SH SEE ALSO\n.BR tp (1),\n.BR tp\\-driver (1),\n.BR tp\\-lease (1)\n", out);
}

static void bash_words(FILE *out)
{
    for (const struct argp_option *option = options_table; !is_end(option); option++)
    {
        if (!is_group(option)) { fprintf(out, " --%s%s", option->name, NULL != option->arg ? "=" : ""); }
    }
    fputs(" --help --usage --version", out);
}

static void bash_script(FILE *out)
{
    fputs("# bash completion of tp_driver\n_tp_driver()\n{\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
        "    if [[ $cur == '=' ]]; then cur=; elif [[ $prev == '=' ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n    case $prev in\n"
        "        --*-dir) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
        "        -c|--config) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
        "        --log-level) COMPREPLY=($(compgen -W 'error warn info debug trace' -- \"$cur\")); return ;;\n"
        "        --set) COMPREPLY=($(compgen -W \"$(tp_driver --list-keys 2>/dev/null | "
        "sed -n 's/^ *\\([a-z]*\\.[a-z_]*\\).*/\\1=/p')\" -- \"$cur\"))\n"
        "            compopt -o nospace; return ;;\n    esac\n    COMPREPLY=($(compgen -W '", out);
    bash_words(out);
    fputs("' -- \"$cur\"))\n    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n}\ncomplete -F _tp_driver tp_driver\n", out);
}

static const char *zsh_action(const struct argp_option *option)
{
    if (0 == strcmp("DIR", option->arg)) { return "_directories"; }
    if (0 == strcmp("FILE", option->arg)) { return "_files"; }
    return 0 == strcmp("LEVEL", option->arg) ? "(error warn info debug trace)" : " ";
}

static void zsh_script(FILE *out)
{
    fputs("#compdef tp_driver\n_arguments -s", out);
    for (const struct argp_option *option = options_table; !is_end(option); option++)
    {
        if (is_group(option)) { continue; }
        fprintf(out, " \\\n    '--%s%s[", option->name, NULL != option->arg ? "=" : "");
        for (const char *at = option->doc; '\0' != *at; at++)
        {
            if (NULL != strchr("[]:\\", *at)) { fputc('\\', out); }
            if ('\'' != *at) { fputc(*at, out); }
        }
        fputc(']', out);
        if (NULL != option->arg) { fprintf(out, ":%s:%s", option->arg, zsh_action(option)); }
        fputc('\'', out);
    }
    fputc('\n', out);
}

static void fish_script(FILE *out)
{
    fputs("complete -c tp_driver -f\n", out);
    for (const struct argp_option *option = options_table; !is_end(option); option++)
    {
        if (is_group(option)) { continue; }
        fprintf(out, "complete -c tp_driver -l %s", option->name);
        if (has_letter(option)) { fprintf(out, " -s %c", option->key); }
        if (NULL != option->arg && (0 == strcmp("DIR", option->arg) || 0 == strcmp("FILE", option->arg))) { fputs(" -r -F", out); }
        else if (NULL != option->arg) { fputs(0 == strcmp("LEVEL", option->arg) ? " -x -a 'error warn info debug trace'" : " -x", out); }
        fputs(" -d '", out);
        for (const char *at = option->doc; '\0' != *at; at++) { if ('\'' != *at) { fputc(*at, out); } }
        fputs("'\n", out);
    }
}

bool pages_completion(FILE *out, const char *shell)
{
    static const struct { const char *shell; void (*write)(FILE *out); } shells[] = { { "bash", bash_script }, { "zsh", zsh_script },
        { "fish", fish_script } };
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
    {
        if (0 != strcmp(shells[i].shell, shell)) { continue; }
        shells[i].write(out);
        return true;
    }
    return false;
}
