/*
 * Shell completion from the verb and option tables: bash, zsh, fish. Words, options, values, and the names of the streams there are.
 */
#include <string.h>

#include "apps/service/page_text.h"
#include "cli.h"
#include "out.h"

/* ---- bash ---- */

static void completion_options(FILE *out, const cli_option_t *options)
{
    for (; NULL != options && NULL != options->name; options++)
    {
        if (NULL == options->help) { continue; }
        fprintf(out, " --%s%s", options->name, CLI_FLAG == options->type || CLI_TEXT_OPTIONAL == options->type ? "" : "=");
        if (0 != options->letter) { fprintf(out, " -%c", options->letter); }
    }
}

static void completion_values(FILE *out, const cli_option_t *options)
{
    for (; NULL != options && NULL != options->name; options++)
    {
        if (!options->enumerated || NULL == options->help) { continue; }
        fprintf(out, "        --%s) COMPREPLY=($(compgen -W '", options->name);
        page_choices(out, options->value);
        fputs("' -- \"$cur\")); return ;;\n", out);
    }
}

static void bash_script(FILE *out)
{
    fputs("# bash completion of tp; load it with: source <(tp completion bash)\n_tp()\n{\n    local cur prev verb word options words\n"
        "    cur=${COMP_WORDS[COMP_CWORD]}\n    prev=${COMP_WORDS[COMP_CWORD-1]}\n    [[ $cur == '=' ]] && cur=\n"
        "    if [[ $prev == '=' ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
        "    verb=\n    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n        case $word in\n", out);
    for (const cli_verb_t *const *verb = cli_verbs; NULL != *verb; verb++)
    {
        if (!(*verb)->hidden) { fprintf(out, "            %s) verb=$word; break ;;\n", (*verb)->name); }
    }
    fputs("        esac\n    done\n    case $prev in\n", out);
    fputs("        --aeron-dir|--base-dir|--allowed-base-dir) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
        "        --out|--png|--video) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", out);
    for (const cli_verb_t *const *verb = cli_verbs; NULL != *verb; verb++)
    {
        if (!(*verb)->hidden) { completion_values(out, (*verb)->options); }
    }
    fputs("    esac\n    case $verb in\n", out);
    for (const cli_verb_t *const *verb = cli_verbs; NULL != *verb; verb++)
    {
        if ((*verb)->hidden) { continue; }
        fprintf(out, "        %s) options='", (*verb)->name);
        completion_options(out, (*verb)->options);
        fprintf(out, "'; words='%s'", NULL != (*verb)->words ? (*verb)->words : "");
        if (0 == strncmp((*verb)->arguments, "STREAM", 6)) { fputs("; [[ $cur == -* ]] || words=$(tp ls --quiet 2>/dev/null)", out); }
        fputs(" ;;\n", out);
    }
    fputs("        *) options=; words='", out);
    for (const cli_verb_t *const *verb = cli_verbs; NULL != *verb; verb++)
    {
        if (!(*verb)->hidden) { fprintf(out, "%s ", (*verb)->name); }
    }
    fputs("' ;;\n    esac\n    options+='", out);
    completion_options(out, cli_global_options);
    fputs("'\n    if [[ $cur == -* ]]; then\n        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
        "        [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n    else\n"
        "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
        "        [[ ${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- \"$cur\"))\n    fi\n"
        "}\ncomplete -F _tp tp\n", out);
}

/* ---- zsh ---- */

static void zsh_value(FILE *out, const cli_option_t *option)
{
    fputs(CLI_TEXT_OPTIONAL == option->type ? "::" : ":", out);
    page_zsh(out, option->enumerated ? option->name : option->value);
    fputc(':', out);
    if (option->enumerated)
    {
        fputc('(', out);
        page_choices(out, option->value);
        fputc(')', out);
    }
    else if (0 == strcmp(option->value, "DIR")) { fputs("_directories", out); }
    else if (0 == strcmp(option->value, "FILE")) { fputs("_files", out); }
    else { fputc(' ', out); }
}

static void zsh_options(FILE *out, const cli_option_t *options)
{
    for (; NULL != options && NULL != options->name; options++)
    {
        const char *const equals = CLI_FLAG == options->type ? "" : CLI_TEXT_OPTIONAL == options->type ? "=-" : "=";
        if (NULL == options->help) { continue; }
        fputs(" \\\n                ", out);
        if (0 != options->letter) { fprintf(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", options->letter, options->name, options->letter,
            CLI_FLAG == options->type ? "" : "+", options->name, equals); }
        else { fprintf(out, "'--%s%s[", options->name, equals); }
        page_zsh(out, options->help);
        fputc(']', out);
        if (CLI_FLAG != options->type) { zsh_value(out, options); }
        fputc('\'', out);
    }
}

static void zsh_words(FILE *out, const cli_verb_t *verb)
{
    fputs(" \\\n                ", out);
    if (NULL != verb->words) { fprintf(out, "'1:word:(%s)' '*: :_tp_streams_or_files'", verb->words); }
    else if (0 == strncmp(verb->arguments, "STREAM", 6)) { fputs("'1:stream:_tp_streams' '*:file:_files'", out); }
    else { fputs("'*:file:_files'", out); }
}

static void zsh_script(FILE *out)
{
    fputs("#compdef tp\n# zsh completion of tp: a file _tp in a directory of $fpath, or: source <(tp completion zsh)\n"
        "_tp_streams() { local -a names; names=(${(f)\"$(tp ls --quiet 2>/dev/null)\"}); compadd -a names }\n"
        "_tp_streams_or_files() { _tp_streams; _files }\n"
        "_tp()\n{\n    local -a verbs\n    local state line curcontext=$curcontext\n    verbs=(\n", out);
    for (const cli_verb_t *const *verb = cli_verbs; NULL != *verb; verb++)
    {
        if ((*verb)->hidden) { continue; }
        fprintf(out, "        '%s:", (*verb)->name);
        page_zsh(out, (*verb)->summary);
        fputs("'\n", out);
    }
    fputs("    )\n    _arguments -C '1:verb:->verb' '*::argument:->argument' && return\n    case $state in\n"
        "        verb) _describe verb verbs ;;\n        argument)\n            case $words[1] in\n", out);
    for (const cli_verb_t *const *verb = cli_verbs; NULL != *verb; verb++)
    {
        if ((*verb)->hidden) { continue; }
        fprintf(out, "            %s) _arguments -s", (*verb)->name);
        zsh_options(out, (*verb)->options);
        zsh_options(out, cli_global_options);
        zsh_words(out, *verb);
        fputs(" ;;\n", out);
    }
    fputs("            esac ;;\n    esac\n}\nif [[ $funcstack[1] == _tp ]]; then _tp \"$@\"; else compdef _tp tp; fi\n", out);
}

/* ---- fish ---- */

static void fish_options(FILE *out, const cli_option_t *options, const char *verb)
{
    for (; NULL != options && NULL != options->name; options++)
    {
        if (NULL == options->help) { continue; }
        fputs("complete -c tp", out);
        if (NULL != verb) { fprintf(out, " -n '__fish_seen_subcommand_from %s'", verb); }
        fprintf(out, " -l %s", options->name);
        if (0 != options->letter) { fprintf(out, " -s %c", options->letter); }
        if (CLI_FLAG != options->type && CLI_TEXT_OPTIONAL != options->type)
        {
            const bool path = !options->enumerated && (0 == strcmp(options->value, "DIR") || 0 == strcmp(options->value, "FILE"));
            fputs(path ? " -r -F" : " -x", out);
        }
        if (options->enumerated)
        {
            fputs(" -a '", out);
            for (const char *at = options->value; '\0' != *at; at++) { fputc('|' == *at ? ' ' : *at, out); }
            fputc('\'', out);
        }
        fputs(" -d ", out);
        page_fish(out, options->help);
        fputc('\n', out);
    }
}

static void fish_script(FILE *out)
{
    fputs("# fish completion of tp: in a directory of $fish_complete_path, or: tp completion fish | source\ncomplete -c tp -f\n", out);
    fish_options(out, cli_global_options, NULL);
    for (const cli_verb_t *const *at = cli_verbs; NULL != *at; at++)
    {
        const cli_verb_t *const verb = *at;
        if (verb->hidden) { continue; }
        fprintf(out, "complete -c tp -n __fish_use_subcommand -a %s -d ", verb->name);
        page_fish(out, verb->summary);
        fputc('\n', out);
        if (NULL != verb->words) { fprintf(out, "complete -c tp -n '__fish_seen_subcommand_from %s' -a '%s'\n", verb->name, verb->words); }
        if (0 == strncmp(verb->arguments, "STREAM", 6))
        {
            fprintf(out, "complete -c tp -n '__fish_seen_subcommand_from %s' -a '(tp ls --quiet 2>/dev/null)'\n", verb->name);
        }
        if (NULL != strstr(verb->arguments, "FILE") || NULL != strstr(verb->arguments, "PATH"))
        {
            fprintf(out, "complete -c tp -n '__fish_seen_subcommand_from %s' -F\n", verb->name);
        }
        fish_options(out, verb->options, verb->name);
    }
}

bool cli_completion(FILE *out, const char *shell)
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
