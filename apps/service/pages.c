#include "apps/service/pages.h"

#include <ctype.h>
#include <string.h>

#include "apps/service/options.h"
#include "apps/service/page_text.h"

static bool is_group(const struct argp_option *option) { return NULL == option->name && 0 == option->key; }
static bool is_end(const struct argp_option *option) { return is_group(option) && NULL == option->doc; }
static bool has_letter(const struct argp_option *option) { return option->key > ' ' && option->key < 127; }

static bool is_alias(const struct argp_option *option) { return 0 != (option->flags & OPTION_ALIAS); }

#define EACH(option, table) (const struct argp_option *option = (table); !is_end(option); option++)

void pages_man(FILE *out, const service_program_t *program)
{
    struct argp_option table[OPTIONS_ROWS_MAX];
    const char *const rest = strchr(program->doc, '\v');
    options_table(program, table);
    fputs(".TH ", out);
    for (const char *at = program->name; '\0' != *at; at++) { fputc(toupper((unsigned char)*at), out); }
    fprintf(out, " 1 \"\" \"tensor_pool %s\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B %s\n[OPTIONS]\n.SH DESCRIPTION\n", TPI_VERSION, program->name,
        program->summary, program->name);
    page_man_paragraphs(out, program->doc);
    fputs("\n.SH OPTIONS\n", out);
    for EACH(option, table)
    {
        if (is_group(option)) { fprintf(out, ".SS %s\n", option->doc); continue; }
        if (is_alias(option)) { continue; }
        fputs(".TP\n.B ", out);
        if (has_letter(option)) { fprintf(out, "\\-%c, ", option->key); }
        fputs("\\-\\-", out);
        page_man(out, option->name);
        if (NULL != option->arg) { fprintf(out, "=%s", option->arg); }
        fputc('\n', out);
        page_man_paragraphs(out, option->doc);
        fputc('\n', out);
    }
    fputs(".SH NOTES\n", out);
    page_man_paragraphs(out, NULL != rest ? rest + 1 : "");
    fprintf(out, "\n%s", program->man_tail);
}

static void bash_script(FILE *out, const char *name, const struct argp_option *table)
{
    fprintf(out, "# bash completion of %s\n_%s()\n{\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
        "    if [[ $cur == '=' ]]; then cur=; elif [[ $prev == '=' ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n    case $prev in\n"
        "        --*-dir) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
        "        -c|--config) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
        "        --log-level) COMPREPLY=($(compgen -W 'error warn info debug trace' -- \"$cur\")); return ;;\n"
        "        --set) COMPREPLY=($(compgen -W \"$(%s --list-keys 2>/dev/null | "
        "sed -n 's/^ *\\([a-z]*\\.[a-z_.]*\\).*/\\1=/p')\" -- \"$cur\"))\n"
        "            compopt -o nospace; return ;;\n    esac\n    COMPREPLY=($(compgen -W '", name, name, name);
    for EACH(option, table)
    {
        if (!is_group(option)) { fprintf(out, " --%s%s", option->name, NULL != option->arg ? "=" : ""); }
    }
    fprintf(out, " --help --usage --version' -- \"$cur\"))\n    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n}\ncomplete -F _%s %s\n",
        name, name);
}

static const char *zsh_action(const struct argp_option *option)
{
    if (0 == strcmp("DIR", option->arg)) { return "_directories"; }
    if (0 == strcmp("FILE", option->arg)) { return "_files"; }
    return 0 == strcmp("LEVEL", option->arg) ? "(error warn info debug trace)" : " ";
}

static void zsh_script(FILE *out, const char *name, const struct argp_option *table)
{
    fprintf(out, "#compdef %s\n_arguments -s", name);
    for EACH(option, table)
    {
        if (is_group(option) || is_alias(option)) { continue; }
        fprintf(out, " \\\n    '--%s%s[", option->name, NULL != option->arg ? "=" : "");
        page_zsh(out, option->doc);
        fputc(']', out);
        if (NULL != option->arg) { fprintf(out, ":%s:%s", option->arg, zsh_action(option)); }
        fputc('\'', out);
    }
    fputc('\n', out);
}

static void fish_script(FILE *out, const char *name, const struct argp_option *table)
{
    fprintf(out, "complete -c %s -f\n", name);
    for EACH(option, table)
    {
        if (is_group(option) || is_alias(option)) { continue; }
        fprintf(out, "complete -c %s -l %s", name, option->name);
        if (has_letter(option)) { fprintf(out, " -s %c", option->key); }
        if (NULL != option->arg && (0 == strcmp("DIR", option->arg) || 0 == strcmp("FILE", option->arg))) { fputs(" -r -F", out); }
        else if (NULL != option->arg) { fputs(0 == strcmp("LEVEL", option->arg) ? " -x -a 'error warn info debug trace'" : " -x", out); }
        fputs(" -d ", out);
        page_fish(out, option->doc);
        fputc('\n', out);
    }
}

bool pages_completion(FILE *out, const service_program_t *program, const char *shell)
{
    static const struct { const char *shell; void (*write)(FILE *out, const char *name, const struct argp_option *table); } shells[] = {
        { "bash", bash_script }, { "zsh", zsh_script }, { "fish", fish_script } };
    struct argp_option table[OPTIONS_ROWS_MAX];
    options_table(program, table);
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
    {
        if (0 != strcmp(shells[i].shell, shell)) { continue; }
        shells[i].write(out, program->name, table);
        return true;
    }
    return false;
}
