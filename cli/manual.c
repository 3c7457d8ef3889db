/*
 * The manual pages: what people wrote, which is here and nowhere else, around what the
 * rows say.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/describe.h"
#include "cli/options.h"
#include "cli/roff.h"

static const char command_begin[] =
	"## NAME\n"
	"memql - ask a running program what it is doing\n"
	"## SYNOPSIS\n"
	"**memql** [OPTIONS] SCRIPT [SCRIPT'S OPTIONS]\n\n"
	"**memql** [OPTIONS] **-e** 'PROGRAM' [**--**] [ARGUMENTS]\n\n"
	"**memql** **-l**[**v**] [PATTERN | FILE | **-p** PID]\n\n"
	"**memql** **doctor** [**--json**]\n\n"
	"**memql** **explain** [OPTIONS] SCRIPT | **-e** 'PROGRAM'\n\n"
	"**memql** **lesson** [*N* [**--start** | **--solution** | **--check** *FILE* | "
	"**--run** *FILE*]]\n"
	"## DESCRIPTION\n"
	"memql compiles a program in a small language, bpftrace's, to BPF, loads it into "
	"the kernel, and shows what it sees: calls of functions, probes of databases and "
	"other programs, tracepoints of the kernel, ticks of a clock. memql(7) describes "
	"the language.\n\n"
	"It runs until the program calls `exit()`, the command of `-c` or the process of "
	"`-p` ends, or Ctrl-C; then it prints all maps that hold something. It needs root, "
	"or a user with the capabilities to trace.\n\n"
	"A SCRIPT is a file, `-` for standard input, or the name of a script that was "
	"installed with memql, with or without `.mq`. Everything after its name belongs to "
	"the script; `memql SCRIPT --help` shows what it takes.\n\n"
	"**memql doctor** tells what works on this machine, what does not, why, and what to "
	"do about it; with `--json`, as one object. Its exit status is 0 if memql can run "
	"at all. It needs no root, but can then check less.\n\n"
	"**memql explain** shows what becomes of each word of a program: what it means, LLVM's "
	"code, BPF's instructions, the helpers and maps they use, and why there is code that "
	"nobody wrote. It attaches nothing. With root it loads the programs, and shows what "
	"the kernel's verifier knows after each instruction; with `--without NAME` it builds "
	"them wrong on purpose, to show what the verifier says. `memql explain --help` lists "
	"its options.\n\n"
	"**memql lesson** lists a course of ten lessons, `memql lesson 3` shows one, and "
	"`memql lesson 3 --check FILE` tells whether a program answers it: it runs beside "
	"the solution on the demo engine, and what both saw is compared. **--start** prints "
	"a program to begin with, **--solution** one that is right, **--run** shows what a "
	"program prints.\n"
	"## OPTIONS\n";

static const char command_end[] =
	"## FILES\n"
	"`PREFIX/share/memql/scripts`\n"
	": scripts that were installed with memql, and are found by their names\n"
	"`/sys/kernel/btf/vmlinux`\n"
	": the kernel's types\n"
	"`/sys/kernel/tracing`\n"
	": its tracepoints; where it is not mounted, memql reads it without mounting it "
	"for others\n"
	"## ENVIRONMENT\n"
	"`NO_COLOR`\n"
	": if set, messages have no color\n"
	"`TZ`\n"
	": the time zone of `strftime()` and `time()`\n"
	"`MEMQL_SCRIPTS`\n"
	": where scripts are that are found by their names, instead of the installed ones\n"
	"`MEMQL_DEBUG`\n"
	": if set, what libbpf and the kernel's verifier say about a program that cannot be "
	"loaded\n"
	"`MEMQL_BREAK`\n"
	": what the compiler shall leave out, so that the verifier refuses the program, by "
	"the names of `memql explain --without`; nothing is attached then. For tests.\n"
	"`MEMQL_WITHOUT`\n"
	": features that memql shall do without, separated by commas, by the names that "
	"`memql doctor` shows. For tests.\n"
	"## EXIT STATUS\n"
	"0, or what the program gave to `exit()`, also if Ctrl-C, SIGTERM or SIGHUP ended the "
	"trace. "
	"1 if the program or an option is wrong, if something could not be loaded or "
	"attached, or if the results could not be written. What the command of `-c` returns "
	"does not matter.\n"
	"## SEE ALSO\n"
	"memql(7), bpftrace(8), strftime(3)\n";

static const char language_begin[] =
	"## NAME\n"
	"memql - the language of memql's programs\n"
	"## DESCRIPTION\n"
	"A program is made of clauses. Each names places in running code, perhaps a "
	"condition, and what to do there:\n\n"
	"    config = { max_strlen = 256; }\n\n"
	"    tracepoint:raw_syscalls:sys_enter       // attach points, with commas\n"
	"    /comm == \"postgres\"/                    // predicate, may be left out\n"
	"    {                                       // body: runs in the kernel\n"
	"            @calls[pid] = count();\n"
	"    }\n\n"
	"An attach point is a kind of probe and what it wants to know, with colons; * and ? "
	"stand for any text and any character in most of them. The maps are printed at the "
	"end. Comments are // to the end of the line and /* to */.\n"
	"### Values\n"
	"Integers have up to 64 bits: `42 0x2a 052 1_000 1e6`; with a unit (`10ns 5us 2ms 1s "
	"1m 1h 1d`) they are durations, and so are differences of `nsecs`. Text is `\"in "
	"quotes\\n\"`, or what `str()` read; `comm` and `args.field` may be text. "
	"Text that is longer than its limit is cut and ends in `...`. `(1, \"a\")` is a "
	"tuple, whose parts are `$t.0` and `$t.1`, or names as in `(id = 1, name = \"a\")`. "
	"Structs, unions, enums and their members are the kernel's, or those that the program "
	"defines: `((struct task_struct *)x)->pid`.\n"
	"### Operators\n"
	"Those of C, with C's precedence: `* / %`, `+ -`, `<< >>`, `< <= > >=`, `== !=`, "
	"`&`, `^`, `|`, `&&`, `||`, `?:`, and `! ~ - * & ++ --`, `[]`, `.`, `->`, `sizeof`, "
	"`offsetof`, casts as in `(int32)x`, assignments as in `+=`. An operation is signed if "
	"both sides are. What is divided by zero is 0, and counted.\n"
	"### Variables and maps\n"
	"`$x` belongs to one event, from its first assignment or `let $x` to the end of the "
	"block. `@x`, `@x[key]` and `@x[key, key]` are maps: they belong to the whole "
	"program. A key that was never written reads as 0, or as an empty text. "
	"`let @x = lruhash(100);` before the first probe chooses a map's kind and size.\n"
	"### Statements\n"
	"    $x = 1;  @x[tid] += 3;  $x++;  @sizes = hist(args.ret);\n"
	"    if ($x > 1) { ... } else { ... }\n"
	"    while ($x < 10) { ... break; ... continue; ... }\n"
	"    for ($i : 0..10) { ... }        // 0 to 9\n"
	"    for ($kv : @x) { ... }          // $kv.0 is the key, $kv.1 the value\n"
	"    unroll (3) { ... }\n"
	"    return;\n\n"
	"### Definitions\n"
	"Before the first probe: `struct`, `union` and `enum` as in C; `macro name($x, @m) { "
	"... }`, whose body stands wherever it is called; `#define NAME 3` and `#ifdef`. "
	"`#include` is skipped: types come from the kernel. `import \"other.mq\"` reads the "
	"definitions and probes of another file, or of all files of a folder; paths are "
	"relative to the file that imports.\n"
	"### Arguments of a script\n"
	"`getopt(\"min\", 10ms, \"help\")` is the script's option `--min`; `$1`, `$2` ... are "
	"the words after its name that are no options, `$#` is how many.\n";

static const char language_end[] =
	"## SEE ALSO\n"
	"memql(1). docs/language.md of the sources has it at length, and says what differs "
	"from bpftrace and why.\n";

/* "`-e`, `--expression` PROGRAM", a line of its own. */
static void option_term(const struct option_row *o, FILE *out)
{
	if (o->short_name)
		fprintf(out, "**-%c**", o->short_name);
	if (o->long_name)
		fprintf(out, "%s**--%s**", o->short_name ? ", " : "", o->long_name);
	if (o->value && *o->value == '[')
		fprintf(out, "[=%s", o->value + 1);
	else if (o->value)
		fprintf(out, " %s", o->value);
	fputc('\n', out);
}

static void describe_option(const struct option_row *o, FILE *out)
{
	option_term(o, out);
	fprintf(out, ": %c%s.", toupper((unsigned char)o->summary[0]), o->summary + 1);
	if (*o->more)
		fprintf(out, " %s", o->more);
	fputc('\n', out);
}

static void describe_accepted(FILE *out)
{
	fputs("\nThese are taken as bpftrace takes them, and change nothing:\n\n", out);
	for (const struct option_row *o = options_accepted(); o->summary; o++) {
		option_term(o, out);
		fprintf(out, ": %s\n", o->summary);
	}
}

/* A page whose text write() makes. */
static void page(const char *section, const char *title, void (*write)(FILE *text),
		 FILE *out)
{
	char *markdown = NULL;
	size_t size = 0;
	FILE *text = open_memstream(&markdown, &size);

	if (!text)
		abort(); /* out of memory */
	write(text);
	fclose(text);
	fprintf(out,
		".\\\" Made by memql --reference=man%s; do not edit.\n"
		".TH MEMQL %s \"\" memql \"%s\"\n",
		section, section, title);
	roff_write(markdown, out);
	free(markdown);
}

static void write_command(FILE *out)
{
	fputs(command_begin, out);
	for (const struct option_row *o = options_rows(); o->summary; o++)
		describe_option(o, out);
	describe_accepted(out);
	fputs("## EXAMPLES\n\n", out);
	for (const char *const *e = options_examples(); *e; e++)
		fprintf(out, "    %s\n", *e);
	fputs(command_end, out);
}

static void write_language(FILE *out)
{
	fputs(language_begin, out);
	describe_rows(out);
	fputs(language_end, out);
}

void describe_command(FILE *out)
{
	page("1", "User Commands", write_command, out);
}

void describe_language(FILE *out)
{
	page("7", "Miscellaneous", write_language, out);
}
