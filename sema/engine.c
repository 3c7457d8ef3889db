/* Engines: which of them a script is about, and where they are. */
#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "sema/resolve.h"
#include "sema/target.h"

enum engine_option { OPTION_ENGINE, OPTION_EXE, OPTION_PID };

static const struct script_option options[] = {
	[OPTION_ENGINE] = { .name = "engine",
			    .type = TYPE_STR,
			    .fallback_text = "",
			    .help = "only this one of the engines that run" },
	[OPTION_EXE] = { .name = "exe",
			 .type = TYPE_STR,
			 .fallback_text = "",
			 .help = "the engine's program, be it running or not" },
	[OPTION_PID] = { .name = "pid",
			 .type = TYPE_INT,
			 .fallback_text = "0",
			 .help = "only this process and its children" },
};

void engine_options_declare(struct compile *cc)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		ARENA_PUSH(cc->arena, &cc->plan->script_options, options[i]);
}

/* What was given on the command line; NULL: nothing, or packs are not used. */
static const char *given(const struct compile *cc, enum engine_option option)
{
	const char *value;

	if (!cc->ast->engines)
		return NULL;
	/* They were declared first. */
	value = cc->plan->script_options.items[option].value;
	return value && *value ? value : NULL;
}

/* A library is in programs that are no engines: it takes a word from the user. */
bool engine_wanted(const struct compile *cc, const struct engine *engine)
{
	const char *name = given(cc, OPTION_ENGINE);

	if (!engine || (name && strcmp(name, engine->name) == 0))
		return true;
	return !name && (!engine->is_library || given(cc, OPTION_EXE) ||
			 given(cc, OPTION_PID) || cc->options.pid);
}

const char *engine_exe_option(const struct compile *cc)
{
	return given(cc, OPTION_EXE);
}

const char *engine_exe(const struct compile *cc, const struct engine *engine)
{
	const char *exe = given(cc, OPTION_EXE);

	return exe ? exe : engine->exe ? engine->exe : "*";
}

const char *engine_point(struct compile *cc, const struct engine *engine,
			 const char *text)
{
	static const char variable[] = "$exe";
	const char *at = engine ? strstr(text, variable) : NULL;

	if (!at)
		return text;
	return arena_printf(cc->arena, "%.*s%s%s", (int)(at - text), text,
			    engine_exe(cc, engine), at + strlen(variable));
}

static struct node *number(struct compile *cc, struct span at, uint64_t value)
{
	struct node *n = node_new(cc->arena, NODE_INT, at);

	n->integer.value = value;
	node_set_height(n);
	return n;
}

static struct node *binary(struct compile *cc, enum op op, struct node *left,
			   struct node *right)
{
	struct node *n = node_new(cc->arena, NODE_BINARY, left->span);

	n->binary.op = op;
	n->binary.left = left;
	n->binary.right = right;
	node_set_height(n);
	return n;
}

static struct node *is(struct compile *cc, struct span at, const char *name,
		       uint64_t value)
{
	struct node *n = node_new(cc->arena, NODE_CALL, at);

	n->call.name = intern_str(cc->names, name);
	n->call.name_span = at;
	node_set_height(n);
	return binary(cc, OP_EQ, n, number(cc, at, value));
}

int32_t engine_pid(const struct compile *cc)
{
	const char *text = given(cc, OPTION_PID);
	enum unit unit;
	uint64_t pid;

	return text && parse_number(text, &pid, &unit) && pid <= INT32_MAX
		       ? (int32_t)pid
		       : 0;
}

/* PostgreSQL has a process for each client: children of the one that users know. */
void engine_filter_pid(struct compile *cc)
{
	const char *text = given(cc, OPTION_PID);
	enum unit unit;
	uint64_t pid;

	if (!text)
		return;
	if (!parse_number(text, &pid, &unit) || unit || !pid || pid > INT32_MAX) {
		diag(cc, DIAG_script_option, SPAN_NOWHERE,
		     "'--pid' needs the number of a process, not '%s'", text);
		return;
	}
	for (struct clause *c = cc->ast->clauses; c; c = c->next) {
		struct node *mine;

		if (!c->engine)
			continue;
		mine = binary(cc, OP_LOR, is(cc, c->span, "pid", pid),
			      is(cc, c->span, "ppid", pid));
		c->predicate =
			c->predicate ? binary(cc, OP_LAND, mine, c->predicate) : mine;
	}
}

static const char *add_word(struct compile *cc, const char *words, const char *word)
{
	return arena_printf(cc->arena, "%s%s%s", words, *words ? ", " : "", word);
}

struct first_object {
	struct arena *arena;
	const char *path; /* NULL: none yet */
};

static int take_object(const char *path, void *arg)
{
	struct first_object *first = arg;

	first->path = arena_printf(first->arena, "%s", path);
	return 1;
}

/* The engine's program, if it runs here or is the file that was given. */
static const char *program_of(struct compile *cc, const struct engine *engine)
{
	struct first_object first = { .arena = cc->arena };

	if (cc->target)
		cc->target->ops->objects(cc->target, engine_exe(cc, engine),
					 engine_pid(cc), take_object, &first);
	return first.path;
}

/* Built without its probes, stripped of its symbols, of another version, or no engine. */
static void report_no_probes(struct compile *cc, const char *program,
			     const char *engines, const char *points)
{
	if (engine_exe_option(cc))
		diag(cc, DIAG_no_engine, SPAN_NOWHERE,
		     "'%s' has none of the probes of an engine that memql knows: %s",
		     program, engines);
	else
		diag(cc, DIAG_no_engine, SPAN_NOWHERE,
		     "%s runs here as '%s', but has none of the probes that memql looks "
		     "for",
		     engines, program);
	diag_note(cc, SPAN_NOWHERE, "looked for %s", points);
}

static void report_unknown_engine(struct compile *cc, const char *all)
{
	struct suggestion near = { .word = given(cc, OPTION_ENGINE) };

	/* "postgres" is two letters away, which suggest() may find too many. */
	for (const struct engine *e = cc->ast->engines; e; e = e->next)
		if (!near.best &&
		    (strncmp(e->name, near.word, strlen(near.word)) == 0 ||
		     strncmp(e->name, near.word, strlen(e->name)) == 0))
			near.best = e->name;
	for (const struct engine *e = cc->ast->engines; e && !near.best; e = e->next)
		suggest(&near, e->name);
	diag(cc, DIAG_no_engine, SPAN_NOWHERE, "there is no pack for an engine '%s'",
	     near.word);
	if (near.best)
		diag_hint(cc, "did you mean '%s'?", near.best);
	else
		diag_hint(cc, "--engine is one of: %s", all);
}

void engines_report_none(struct compile *cc, const char *points)
{
	const char *all = "", *names = "", *programs = "", *found = "", *program = NULL;
	const int32_t pid = engine_pid(cc) ? engine_pid(cc) : cc->options.pid;
	const char *exe = engine_exe_option(cc);

	for (const struct engine *e = cc->ast->engines; e; e = e->next) {
		const char *path;

		all = add_word(cc, all, e->name);
		if (!engine_wanted(cc, e))
			continue;
		names = add_word(cc, names, e->name);
		programs = add_word(cc, programs, engine_exe(cc, e));
		path = program_of(cc, e);
		if (path)
			found = add_word(cc, found, e->name);
		program = path ? path : program;
	}
	if (!*names) {
		report_unknown_engine(cc, all);
	} else if (pid) {
		diag(cc, DIAG_no_engine, SPAN_NOWHERE,
		     "process %d is no engine that memql knows: %s", pid, names);
	} else if (*found) {
		report_no_probes(cc, exe ? exe : program, found, points);
	} else if (exe) {
		diag(cc, DIAG_no_engine, SPAN_NOWHERE,
		     "--exe: there is no program '%s'", exe);
	} else {
		diag(cc, DIAG_no_engine, SPAN_NOWHERE,
		     "no engine that memql knows runs here: %s", names);
		diag_hint(cc,
			  "tools/demo starts one to try; --exe PATH attaches to one "
			  "that is not running yet");
		diag_note(cc, SPAN_NOWHERE, "looked into %u running processes for %s",
			  cc->target ? cc->target->ops->process_count(cc->target) : 0,
			  programs);
	}
}
