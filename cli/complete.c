/*
 * Completions. The scripts are written out here, with blanks that the rows fill: @NAME@.
 * What depends on the machine (names of probes, installed scripts, a script's own
 * options) they ask of memql when it is needed.
 */
#include <stdio.h>
#include <string.h>

#include "cli/describe.h"
#include "cli/options.h"
#include "probes/probe.h"

/* Uses functions of the package bash-completion, which also loads it. */
static const char bash[] =
	"# Completion of memql for bash. Made by memql --reference=bash; do not edit.\n"
	"# shellcheck shell=bash disable=SC2034,SC2154,SC2207\n"
	"\n"
	"# An attach point: a kind of probe, then what memql lists under it.\n"
	"_memql_probes()\n"
	"{\n"
	"    local quote=\n"
	"    case $cur in\n"
	"    [\\'\\\"]*) quote=${cur:0:1} cur=${cur:1} ;;\n"
	"    esac\n"
	"    case $cur in\n"
	"    *[\\ \\{]*) return ;;\n"
	"    *:*) COMPREPLY=($(compgen -P \"$quote\" -W \\\n"
	"        \"$(\"$memql\" -l \"$cur*\" 2>/dev/null)\" -- \"$cur\")) ;;\n"
	"    *) COMPREPLY=($(compgen -P \"$quote\" -W '@KINDS@' -- \"$cur\"))\n"
	"        compopt -o nospace ;;\n"
	"    esac\n"
	"    [ -n \"$quote\" ] || __ltrim_colon_completions \"$cur\"\n"
	"}\n"
	"\n"
	"# The name of the script, or nothing: what follows it belongs to the script. Before\n"
	"# it may be the word explain.\n"
	"_memql_script()\n"
	"{\n"
	"    local i\n"
	"    for ((i = 1; i < cword; i++)); do\n"
	"        case $command${words[i]} in\n"
	"        explain) command=explain: ;;\n"
	"        explain:--line | explain:--program | explain:--run) ((++i)) ;;\n"
	"        explain:--width | explain:--without | explain:-[ep]) ((++i)) ;;\n"
	"        explain:-*) ;;\n"
	"        -l | -lv | -vl | --list) return ;;\n"
	"        @TAKERS@) ((++i)) ;;\n"
	"        -*) ;;\n"
	"        *) script=${words[i]} && return ;;\n"
	"        esac\n"
	"    done\n"
	"}\n"
	"\n"
	"# The words of the commands: of what memql says itself.\n"
	"_memql_explain()\n"
	"{\n"
	"    if [ \"$prev\" = --without ]; then\n"
	"        COMPREPLY=($(compgen -W \"$(\"$memql\" explain --help |\n"
	"            sed -n '/^What can be left out/{n;p}')\" -- \"$cur\"))\n"
	"        return 0\n"
	"    fi\n"
	"    [[ $cur == -* ]] || return 1\n"
	"    COMPREPLY=($(compgen -W \"$(\"$memql\" explain --help |\n"
	"        sed -n 's/^  \\(--[[:alnum:]-]*\\).*/\\1/p')\" -- \"$cur\"))\n"
	"    return 0\n"
	"}\n"
	"\n"
	"_memql_lesson()\n"
	"{\n"
	"    case $prev in\n"
	"    lesson) COMPREPLY=($(compgen -W \"$(\"$memql\" lesson |\n"
	"        sed -n 's/^ *\\([0-9][0-9]*\\)  .*/\\1/p')\" -- \"$cur\")) ;;\n"
	"    [0-9]*) COMPREPLY=($(compgen -W '--start --solution --check --run' -- \"$cur\")) ;;\n"
	"    --check | --run) _filedir ;;\n"
	"    esac\n"
	"}\n"
	"\n"
	"_memql()\n"
	"{\n"
	"    local cur prev words cword memql script= command=\n"
	"    _get_comp_words_by_ref -n : cur prev words cword\n"
	"    memql=${words[0]}\n"
	"    _memql_script\n"
	"    [[ $script != lesson ]] || { _memql_lesson && return; }\n"
	"    [[ $command$script != explain: ]] || ! _memql_explain || return\n"
	"    if [[ -n $script && $cur == -* ]]; then\n"
	"        COMPREPLY=($(compgen -W \"$(\"$memql\" \"$script\" --help 2>/dev/null |\n"
	"            sed -n 's/^  \\(--[[:alnum:]_-]*=*\\).*/\\1/p')\" -- \"$cur\"))\n"
	"        [[ ${COMPREPLY-} != *= ]] || compopt -o nospace\n"
	"        return\n"
	"    elif [ -n \"$script\" ]; then\n"
	"        _filedir\n"
	"        return\n"
	"    fi\n"
	"    case $prev in\n"
	"@VALUES@"
	"    esac\n"
	"    case \" ${words[*]:1:cword-1} \" in\n"
	"    *' -l '* | *' -lv '* | *' -vl '* | *' --list '*)\n"
	"        case $cur in\n"
	"        -*) ;;\n"
	"        /* | .*) _filedir && return ;;\n"
	"        *) _memql_probes && return ;;\n"
	"        esac ;;\n"
	"    esac\n"
	"    case $cur in\n"
	"    -*) COMPREPLY=($(compgen -W '@OPTIONS@' -- \"$cur\")) ;;\n"
	"    *) _filedir mq\n"
	"        COMPREPLY+=($(compgen -W \\\n"
	"            \"$(\"$memql\" --reference=scripts 2>/dev/null)\" -- \"$cur\")) ;;\n"
	"    esac\n"
	"}\n"
	"complete -F _memql memql\n";

static const char zsh[] =
	"#compdef memql\n"
	"# Completion of memql for zsh. Made by memql --reference=zsh; do not edit.\n"
	"\n"
	"# An attach point: a kind of probe, then what memql lists under it.\n"
	"_memql_probes() {\n"
	"    local -a names\n"
	"    if [[ $PREFIX == *:* ]]; then\n"
	"        names=(${(f)\"$(_call_program probes memql -l ${(q)PREFIX}\\\\*)\"})\n"
	"        compadd -a names\n"
	"    else\n"
	"        names=(@KINDS@)\n"
	"        compadd -S '' -a names\n"
	"    fi\n"
	"}\n"
	"\n"
	"_memql_script() {\n"
	"    local -a names\n"
	"    if (( ${words[(I)(-l|-lv|-vl|--list)]} )); then\n"
	"        _alternative 'probes:probe:_memql_probes' 'files:file:_files'\n"
	"        return\n"
	"    fi\n"
	"    names=(${(f)\"$(_call_program scripts memql --reference=scripts)\"})\n"
	"    _alternative 'scripts:installed script:compadd -a names' \\\n"
	"        'files:script:_files -g \"*.mq\"'\n"
	"}\n"
	"\n"
	"# What follows the script's name belongs to it.\n"
	"_memql_arguments() {\n"
	"    local -a names\n"
	"    if [[ $line[1] == lesson && $CURRENT -eq 3 ]]; then\n"
	"        names=(${(f)\"$(_call_program lessons memql lesson |\n"
	"            sed -n 's/^ *\\([0-9][0-9]*\\)  .*/\\1/p')\"})\n"
	"    elif [[ $line[1] == lesson ]]; then\n"
	"        names=(--start --solution --check --run)\n"
	"    elif [[ $line[1] == explain && $words[CURRENT-1] == --without ]]; then\n"
	"        names=($(_call_program names memql explain --help |\n"
	"            sed -n '/^What can be left out/{n;p}'))\n"
	"    fi\n"
	"    if (( $#names )); then\n"
	"        compadd -a names\n"
	"        _files\n"
	"        return\n"
	"    fi\n"
	"    names=(${(f)\"$(_call_program options memql ${(q)line[1]} --help |\n"
	"        sed -n 's/^  \\(--[[:alnum:]_-]*=*\\).*/\\1/p')\"})\n"
	"    compadd -- ${names:#*=}\n"
	"    compadd -S '' -- ${(M)names:#*=}\n"
	"    _files\n"
	"}\n"
	"\n"
	"_memql() {\n"
	"    local curcontext=$curcontext\n"
	"    local -a line state\n"
	"    _arguments -s -A '-*' \\\n"
	"@SPECS@"
	"        '1:script:_memql_script' \\\n"
	"        '*:argument:_memql_arguments'\n"
	"}\n"
	"\n"
	"_memql \"$@\"\n";

/* What completes an option's value, by the name that --help gives it. */
static const struct {
	const char *value, *bash, *zsh;
} values[] = {
	{ "FILE", "_filedir", "_files" },
	{ "PID", "_pids", "_pids" },
	{ "COMMAND", "COMPREPLY=($(compgen -c -- \"$cur\"))", "_cmdstring" },
	{ "PROGRAM", "_memql_probes", "_memql_probes" },
};

enum { NVALUES = sizeof(values) / sizeof(values[0]) };

static bool takes_next_word(const struct option_row *o)
{
	return o->value && *o->value != '[';
}

static void write_names(const struct option_row *o, const char *between, FILE *out)
{
	if (o->short_name)
		fprintf(out, "-%c%s", o->short_name, o->long_name ? between : "");
	if (o->long_name)
		fprintf(out, "--%s", o->long_name);
}

static void write_words(const char *const *list, FILE *out)
{
	for (size_t i = 0; list[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", list[i]);
}

static void write_kinds(FILE *out)
{
	for (const struct probe_kind *const *k = probe_kinds; *k; k++)
		fprintf(out, "%s%s%s", k > probe_kinds ? " " : "", (*k)->name,
			(*k)->flags & PROBE_ONCE ? "" : ":");
}

static void write_options(FILE *out)
{
	for (const struct option_row *o = options_rows(); o->summary; o++)
		fprintf(out, "%s--%s", o > options_rows() ? " " : "", o->long_name);
}

/* The options whose value is the next word: "-p | --pid | ..." */
static void write_takers(FILE *out)
{
	const struct option_row *lists[] = { options_rows(), options_accepted() };
	const char *between = "";

	for (size_t i = 0; i < 2; i++)
		for (const struct option_row *o = lists[i]; o->summary; o++) {
			if (!takes_next_word(o))
				continue;
			fputs(between, out);
			write_names(o, " | ", out);
			between = " | ";
		}
}

static void bash_value(const struct option_row *o, FILE *out)
{
	const char *action = NULL;

	fputs("    ", out);
	write_names(o, " | ", out);
	fputs(") ", out);
	if (o->words) {
		fputs("COMPREPLY=($(compgen -W '", out);
		write_words(o->words, out);
		fputs("' -- \"$cur\")); ", out);
	}
	for (size_t i = 0; i < NVALUES; i++)
		if (strcmp(values[i].value, o->value) == 0)
			action = values[i].bash;
	if (action)
		fprintf(out, "%s; ", action);
	fputs("return ;;\n", out);
}

static void write_values(FILE *out)
{
	for (const struct option_row *o = options_rows(); o->summary; o++)
		if (takes_next_word(o))
			bash_value(o, out);
}

/* Within the brackets of an option's specification, between single quotes. */
static void zsh_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (strchr("[]:\\", *text))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static void zsh_value(const struct option_row *o, FILE *out)
{
	const char *action = "";

	for (size_t i = 0; i < NVALUES; i++)
		if (strcmp(values[i].value, o->value) == 0)
			action = values[i].zsh;
	fprintf(out, "%s:value:%s", takes_next_word(o) ? "" : ":", action);
	if (o->words) {
		fputc('(', out);
		write_words(o->words, out);
		fputc(')', out);
	}
}

/* '(-p --pid)'{-p,--pid}'[summary]:value:_pids' */
static void write_specs(FILE *out)
{
	for (const struct option_row *o = options_rows(); o->summary; o++) {
		bool optional = o->value && !takes_next_word(o);

		fputs("        ", out);
		if (o->short_name) {
			fputs("'(", out);
			write_names(o, " ", out);
			fputs(")'{", out);
			write_names(o, ",", out);
			fputs("}'[", out);
		} else {
			fprintf(out, "'--%s%s[", o->long_name, optional ? "=-" : "");
		}
		zsh_text(o->summary, out);
		fputc(']', out);
		if (o->value)
			zsh_value(o, out);
		fputs("' \\\n", out);
	}
}

static const struct blank {
	const char *name;
	void (*write)(FILE *out);
} blanks[] = {
	{ "@KINDS@", write_kinds },   { "@OPTIONS@", write_options },
	{ "@TAKERS@", write_takers }, { "@VALUES@", write_values },
	{ "@SPECS@", write_specs },
};

static const struct blank *blank_at(const char *text)
{
	for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++)
		if (strncmp(text, blanks[i].name, strlen(blanks[i].name)) == 0)
			return &blanks[i];
	return NULL;
}

static void fill(const char *text, FILE *out)
{
	const struct blank *p;

	while (*text) {
		p = blank_at(text);
		if (p) {
			p->write(out);
			text += strlen(p->name);
		} else {
			fputc(*text++, out);
		}
	}
}

void describe_bash(FILE *out)
{
	fill(bash, out);
}

void describe_zsh(FILE *out)
{
	fill(zsh, out);
}
