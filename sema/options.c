/*
 * The script's own command line: options are what its getopt() calls say, the rest is $1,
 * $2 and so on. All of it is known before anything has a type: the calls become literals
 * in the tree that every program copies.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "sema/resolve.h"

enum { MAX_OPTIONS = 256 };

bool boolean_word(const struct node *n, int64_t *value)
{
	if (n->kind != NODE_INT || !n->integer.is_bool)
		return false;
	*value = (int64_t)n->integer.value;
	return true;
}

static struct script_option *find_option(const struct plan *plan, const char *name,
					 size_t len)
{
	for (size_t i = 0; i < plan->script_options.n; i++) {
		struct script_option *o = &plan->script_options.items[i];

		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	}
	return NULL;
}

static bool name_is_valid(const char *name)
{
	if (!isalnum((unsigned char)*name))
		return false;
	while (isalnum((unsigned char)*name) || *name == '-' || *name == '_')
		name++;
	return !*name;
}

static const char *written_text(const struct compile *cc, struct span at)
{
	return arena_strndup(cc->arena, source_text(cc->source, at), at.end - at.begin);
}

/* The default makes the option's type: a number, a duration, text or, if bare, a flag. */
static bool read_default(struct sema *s, const struct node *n, struct script_option *o)
{
	int64_t value;

	o->type = TYPE_INT;
	o->is_flag = !n;
	if (!n)
		return true;
	if (boolean_word(n, &value)) {
		o->is_flag = true;
		o->fallback_text = value ? "true" : NULL;
		return true;
	}
	if (n->kind == NODE_STR) {
		o->type = TYPE_STR;
		o->fallback_text = n->string.bytes;
		return true;
	}
	o->fallback_text = written_text(s->cc, n->span);
	if (n->kind == NODE_INT)
		o->unit = n->integer.unit;
	return constant_int(n, &value) ||
	       sema_error(s, DIAG_literal_needed, n->span,
			  "the default of an option must be a constant");
}

static bool read_range(struct sema *s, const struct node *call, struct script_option *o)
{
	const struct node *least = call_arg(call, 3), *most = call_arg(call, 4);

	if (!least)
		return true;
	if (o->type == TYPE_STR || o->is_flag)
		return sema_error(s, DIAG_script_option, least->span,
				  "only numbers have a range; '--%s' is %s", o->name,
				  o->is_flag ? "a flag" : "text");
	o->is_ranged = true;
	o->most = INT64_MAX;
	return (constant_int(least, &o->least) &&
		(!most || constant_int(most, &o->most))) ||
	       sema_error(s, DIAG_literal_needed, least->span,
			  "the range of an option must be constants");
}

/* What the call says about its option; false after an error. */
static bool read_call(struct sema *s, const struct node *call, struct script_option *o)
{
	const struct node *name = call_arg(call, 0), *help = call_arg(call, 2);

	*o = (struct script_option){ .first = call->span };
	if (name->kind != NODE_STR)
		return sema_error(s, DIAG_literal_needed, name->span,
				  "the name of an option must be a literal string");
	o->name = name->string.bytes;
	if (!name_is_valid(o->name))
		return sema_error(s, DIAG_script_option, name->span,
				  "\"%s\" cannot be the name of an option", o->name);
	if (help && help->kind != NODE_STR)
		return sema_error(s, DIAG_literal_needed, help->span,
				  "the help of an option must be a literal string");
	o->help = help ? help->string.bytes : NULL;
	return read_default(s, call_arg(call, 1), o) && read_range(s, call, o);
}

static bool same_default(const struct script_option *a, const struct script_option *b)
{
	if (a->type != b->type || a->is_flag != b->is_flag || a->unit != b->unit)
		return false;
	if (!a->fallback_text || !b->fallback_text)
		return a->fallback_text == b->fallback_text;
	return strcmp(a->fallback_text, b->fallback_text) == 0;
}

static struct script_option *declare(struct sema *s, const struct node *call)
{
	struct plan *plan = s->cc->plan;
	struct script_option o, *old;

	if (!read_call(s, call, &o))
		return NULL;
	old = find_option(plan, o.name, strlen(o.name));
	if (!old && plan->script_options.n == MAX_OPTIONS) {
		sema_error(s, DIAG_unsupported, call->span,
			   "a script may have at most %d options", MAX_OPTIONS);
		return NULL;
	}
	if (!old) {
		ARENA_PUSH(s->cc->arena, &plan->script_options, o);
		return &plan->script_options.items[plan->script_options.n - 1];
	}
	if (!old->help)
		old->help = o.help;
	if (o.is_ranged) {
		old->is_ranged = true;
		old->least = o.least;
		old->most = o.most;
	}
	if (!same_default(old, &o)) {
		sema_error(s, DIAG_script_option, call->span,
			   "the option '--%s' has another default here", o.name);
		diag_note(s->cc, old->first, "its first use");
		return NULL;
	}
	return old;
}

/* The node keeps its place among its siblings, and its span. */
static void become_int(struct node *n, uint64_t value, bool negative, enum unit unit,
		       const char *text)
{
	n->kind = NODE_INT;
	memset(&n->integer, 0, sizeof(n->integer));
	n->integer.value = value;
	n->integer.negative = negative;
	n->integer.unit = unit;
	n->integer.text = text;
}

static void become_str(struct compile *cc, struct node *n, const char *text)
{
	n->kind = NODE_STR;
	n->string.len = (uint32_t)strlen(text);
	n->string.bytes = intern(cc->names, text, n->string.len);
}

/* "-5", "10ms": false if it is no number. */
static bool read_number(const char *text, uint64_t *value, bool *negative, enum unit *u)
{
	*negative = *text == '-';
	if (!parse_number(text + *negative, value, u))
		return false;
	if (*negative && *value > (uint64_t)INT64_MAX + 1)
		return false;
	*negative = *negative && *value;
	if (*negative)
		*value = -*value;
	return true;
}

static bool flag_value(const char *text, uint64_t *value)
{
	*value = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
	return *value || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

static bool bad_value(struct sema *s, const struct script_option *o, const char *wanted)
{
	/* What was typed is wrong, not the script: its text would only be in the way. */
	sema_error(s, DIAG_script_option, SPAN_NOWHERE, "'--%s' needs %s, not '%s'",
		   o->name, wanted, o->value);
	if (s->report && o->help)
		diag_hint(s->cc, "--%s: %s", o->name, o->help);
	return false;
}

/* As read: a number above the largest signed one is within no range. */
static bool is_in_range(const struct script_option *o, uint64_t value, bool negative)
{
	if (!o->is_ranged)
		return true;
	if (!negative && value > INT64_MAX)
		return false;
	return (int64_t)value >= o->least && (int64_t)value <= o->most;
}

static bool out_of_range(struct sema *s, const struct script_option *o)
{
	struct arena *a = s->cc->arena;
	const char *what = o->unit ? "duration" : "number", *unit = o->unit ? "ns" : "";

	return bad_value(
		s, o,
		o->most == INT64_MAX
			? arena_printf(a, "a %s of at least %" PRId64 "%s", what,
				       o->least, unit)
			: arena_printf(a, "a %s from %" PRId64 " to %" PRId64 "%s",
				       what, o->least, o->most, unit));
}

static bool given_value(struct sema *s, struct node *call,
			const struct script_option *o)
{
	enum unit unit = UNIT_NONE;
	bool negative = false;
	uint64_t value;

	if (o->type == TYPE_STR) {
		become_str(s->cc, call, o->value);
		return true;
	}
	if (o->is_flag) {
		if (!flag_value(o->value, &value))
			return bad_value(s, o, "true or false");
	} else if (!read_number(o->value, &value, &negative, &unit)) {
		return bad_value(s, o,
				 o->unit ? "a duration such as 10ms" : "a number");
	} else if (o->unit && !unit && value) {
		return bad_value(s, o, "a duration with its unit, such as 10ms");
	} else if (!is_in_range(o, value, negative)) {
		return out_of_range(s, o);
	}
	become_int(call, value, negative, unit ? unit : o->unit, NULL);
	return true;
}

static void default_value(struct compile *cc, struct node *call,
			  const struct script_option *o)
{
	const struct node *n = call_arg(call, 1);
	int64_t value = 0;

	if (n && n->kind == NODE_STR) {
		become_str(cc, call, n->string.bytes);
		return;
	}
	if (n && !boolean_word(n, &value))
		constant_int(n, &value);
	become_int(call, (uint64_t)value, value < 0, o->unit, NULL);
}

bool script_option_check(struct sema *s, struct node *call)
{
	const struct script_option *o = declare(s, call);

	if (!o)
		return false;
	if (!s->cc->plan->matched)
		return true;
	if (o->value)
		return given_value(s, call, o);
	default_value(s->cc, call, o);
	return true;
}

/* Walking the tree: calls that are decided now, and parameters. */

struct walk {
	struct sema sema;
	bool count; /* $# is used */
};

static void saw_param(struct walk *w, uint32_t i)
{
	struct plan *plan = w->sema.cc->plan;

	if (i == 0)
		w->count = true;
	if (i > plan->last_parameter)
		plan->last_parameter = i;
}

static void visit_param(struct walk *w, struct node *n)
{
	const struct plan *plan = w->sema.cc->plan;
	uint32_t i = n->param.index;
	bool negative;
	enum unit unit;
	uint64_t value;
	const char *text;

	saw_param(w, i);
	if (!plan->matched)
		return;
	if (i == 0) {
		text = arena_printf(w->sema.cc->arena, "%zu", plan->parameters.n);
		become_int(n, plan->parameters.n, false, UNIT_NONE, text);
		return;
	}
	/* One that was not given is 0 or "", as in bpftrace. */
	text = i <= plan->parameters.n ? plan->parameters.items[i - 1] : "";
	if (!*text)
		become_int(n, 0, false, UNIT_NONE, text);
	else if (read_number(text, &value, &negative, &unit))
		become_int(n, value, negative, unit, text);
	else
		become_str(w->sema.cc, n, text);
}

static void visit(struct node *n, void *arg)
{
	struct walk *w = arg;

	node_each_child(n, visit, w);
	if (n->kind == NODE_PARAM) {
		visit_param(w, n);
	} else if (n->kind == NODE_CALL) {
		const struct builtin *b = builtin_find(n->call.name);

		if (!b || !(b->flags & BUILTIN_COMPILE_TIME))
			return;
		n->call.builtin = b;
		if (call_check_arity(&w->sema, n))
			b->check(&w->sema, n);
	}
}

/* $N in the text of an attach point. */
static void visit_point(struct walk *w, const char *text)
{
	for (; *text; text++) {
		uint32_t i = 0;

		if (*text != '$' || !isdigit((unsigned char)text[1]))
			continue;
		while (isdigit((unsigned char)text[1]) && i < 1000)
			i = i * 10 + (uint32_t)(*++text - '0');
		saw_param(w, i);
	}
}

static struct walk walk_all(struct compile *cc)
{
	struct walk w = { .sema = { .cc = cc, .report = true } };

	for (struct clause *c = cc->ast->clauses; c; c = c->next) {
		for (struct attach_point *p = c->points; p; p = p->next)
			visit_point(&w, p->text);
		if (c->predicate)
			visit(c->predicate, &w);
		visit(c->body, &w);
	}
	return w;
}

bool script_options_collect(struct compile *cc)
{
	struct plan *plan = plan_get(cc);

	if (!plan->matched) {
		if (cc->ast->engines)
			engine_options_declare(cc);
		walk_all(cc);
	}
	return diag_ok(cc);
}

static void unknown_option(struct compile *cc, const char *name, size_t len)
{
	const struct plan *plan = cc->plan;
	struct suggestion near = { .word = arena_strndup(cc->arena, name, len) };

	diag(cc, DIAG_script_option, SPAN_NOWHERE, "the script has no option '--%s'",
	     near.word);
	for (size_t i = 0; i < plan->script_options.n; i++)
		suggest(&near, plan->script_options.items[i].name);
	if (near.best)
		diag_hint(cc, "did you mean '--%s'?", near.best);
	else
		diag_hint(cc, "--help after the script's name lists its options");
}

/* args[i] is "--name...": returns the index of the last word that belongs to it. */
static int match_option(struct compile *cc, int i)
{
	const char *word = cc->options.args[i] + 2;
	size_t len = strcspn(word, "=");
	struct script_option *o = find_option(cc->plan, word, len);

	if (!o) {
		unknown_option(cc, word, len);
		/* Not to blame the words behind it as well. */
		return cc->options.nargs;
	}
	if (word[len] == '=') {
		o->value = word + len + 1;
	} else if (o->is_flag) {
		o->value = "true";
	} else if (i + 1 < cc->options.nargs) {
		o->value = cc->options.args[++i];
	} else {
		diag(cc, DIAG_script_option, SPAN_NOWHERE, "'--%s' needs a value",
		     o->name);
		if (o->help)
			diag_hint(cc, "--%s: %s", o->name, o->help);
	}
	return i;
}

/* A word such as -p is no parameter: memql's own options come before the script. */
static bool is_misplaced(const char *word)
{
	return word[0] == '-' && isalpha((unsigned char)word[1]);
}

static void match_arguments(struct compile *cc)
{
	bool options = true;

	for (int i = 0; i < cc->options.nargs; i++) {
		const char *word = cc->options.args[i];

		/* bpftrace wants one between the script and its options. */
		if (options && strcmp(word, "--") == 0) {
			options = i == 0;
		} else if (options && strncmp(word, "--", 2) == 0) {
			i = match_option(cc, i);
		} else if (options && is_misplaced(word)) {
			diag(cc, DIAG_script_option, SPAN_NOWHERE,
			     "the script has no option '%s'", word);
			diag_hint(cc, "options of memql itself go before the script");
			return;
		} else {
			ARENA_PUSH(cc->arena, &cc->plan->parameters, word);
		}
	}
}

void script_arguments_apply(struct compile *cc)
{
	struct plan *plan = cc->plan;
	struct walk w;

	match_arguments(cc);
	if (!diag_ok(cc))
		return;
	plan->matched = true;
	w = walk_all(cc);
	if (!w.count && plan->parameters.n > plan->last_parameter) {
		diag(cc, DIAG_bad_parameter, SPAN_NOWHERE,
		     "the script has no use for '%s'",
		     plan->parameters.items[plan->last_parameter]);
		if (plan->script_options.n)
			diag_hint(cc, "options begin with two dashes");
	}
}

const char *script_arguments_expand(struct compile *cc,
				    const struct attach_point *point)
{
	const struct plan *plan = cc->plan;
	const char *text = point->text, *dollar = strchr(text, '$');
	const char *out = "";

	for (; dollar; dollar = strchr(text, '$')) {
		char *end = (char *)dollar + 1;
		unsigned long i = 0;

		while (isdigit((unsigned char)*end) && i <= plan->parameters.n)
			i = i * 10 + (unsigned long)(*end++ - '0');
		if (end == dollar + 1 || i == 0 || i > plan->parameters.n) {
			diag(cc, DIAG_bad_parameter, point->span,
			     "'%.*s' was not given to the script, which needs it here",
			     end > dollar + 1 ? (int)(end - dollar) : 1, dollar);
			return NULL;
		}
		out = arena_printf(cc->arena, "%s%.*s%s", out, (int)(dollar - text),
				   text, plan->parameters.items[i - 1]);
		text = end;
	}
	return *out ? arena_printf(cc->arena, "%s%s", out, text) : point->text;
}
