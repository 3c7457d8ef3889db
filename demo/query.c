/* The parser: a loop over the tokens. */
#include "demo/query.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "demo/token.h"

#define QUERY_TIME_MAX 10000000000ull /* ns; a statement must not hold up the end */
#define QUERY_SIZE_MAX (256ull << 20) /* bytes */
#define QUERY_COUNT_MAX 10000ull

struct parse {
	const char *at;
	char *error;
};

static int syntax(struct parse *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int syntax(struct parse *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->error, RECORD_ERROR_MAX, fmt, ap);
	va_end(ap);
	return WORK_SYNTAX;
}

/* Length to print of a token that may be a megabyte long. */
static int shown(const struct token *t)
{
	return t->len < 40 ? (int)t->len : 40;
}

static const struct work_kind *find_kind(const struct token *t)
{
	size_t count;
	const struct work_kind *kinds = work_kinds(&count);

	for (size_t i = 0; i < count; i++) {
		if (token_is(t, kinds[i].name))
			return &kinds[i];
	}
	return NULL;
}

/* What a numeric argument must look like. */
struct arg_rule {
	enum token_unit unit;
	uint64_t most, multiple;
	const char *wanted;
};

static struct arg_rule arg_rule(enum work_arg_kind kind)
{
	switch (kind) {
	case WORK_ARG_TIME:
		return (struct arg_rule){ TOKEN_UNIT_TIME, QUERY_TIME_MAX, 1,
					  "a time such as 250us or 2ms, up to 10s" };
	case WORK_ARG_SIZE:
		return (struct arg_rule){ TOKEN_UNIT_SIZE, QUERY_SIZE_MAX, 1,
					  "a size such as 512b or 1mb, up to 256mb" };
	case WORK_ARG_BLOCKS:
		return (struct arg_rule){ TOKEN_UNIT_SIZE, DATA_IO_MAX, DATA_BLOCK,
					  "a multiple of 4kb, up to 1mb" };
	case WORK_ARG_COUNT:
		return (struct arg_rule){ TOKEN_UNIT_NONE, QUERY_COUNT_MAX, 1,
					  "a number from 1 to 10000" };
	case WORK_ARG_NONE:
	case WORK_ARG_NAME:
		break;
	}
	return (struct arg_rule){ .wanted = "nothing" };
}

static int parse_arg(struct parse *p, const struct token *t, const char *item,
		     enum work_arg_kind kind, struct work_arg *arg)
{
	struct arg_rule rule;
	enum token_unit unit;

	if (kind == WORK_ARG_NAME) {
		if (t->kind == TOKEN_STRING && t->len > 2 &&
		    token_copy(t, arg->name, sizeof(arg->name)))
			return 0;
		return syntax(p,
			      "%s() wants a name in quotes, up to %d bytes, not '%.*s'",
			      item, WORK_NAME_MAX - 1, shown(t), t->start);
	}
	rule = arg_rule(kind);
	if (t->kind == TOKEN_NUMBER && token_number(t, &arg->number, &unit) &&
	    unit == rule.unit && arg->number > 0 && arg->number <= rule.most &&
	    arg->number % rule.multiple == 0)
		return 0;
	return syntax(p, "%s() wants %s, not '%.*s'", item, rule.wanted, shown(t),
		      t->start);
}

/* The arguments, from behind the opening parenthesis to the closing one. */
static int parse_args(struct parse *p, struct query_item *item)
{
	const struct work_kind *kind = item->kind;
	struct token t = token_next(&p->at);
	unsigned n = 0;

	while (!token_is_punct(&t, ')')) {
		if (n == WORK_ARGS_MAX || kind->args[n] == WORK_ARG_NONE)
			return syntax(p, "%s() takes no more than %u arguments",
				      kind->name, n);
		if (parse_arg(p, &t, kind->name, kind->args[n], &item->args[n]) != 0)
			return WORK_SYNTAX;
		n++;
		t = token_next(&p->at);
		if (token_is_punct(&t, ','))
			t = token_next(&p->at);
		else if (!token_is_punct(&t, ')'))
			return syntax(p, "%s(): missing ')'", kind->name);
	}
	if (n < kind->required)
		return syntax(p, "%s() needs %u argument(s)", kind->name,
			      kind->required);
	return 0;
}

static int parse_item(struct parse *p, const struct token *name, struct query *q)
{
	struct query_item *item = &q->items[q->nr_items];

	if (q->nr_items == QUERY_WORK_MAX)
		return syntax(p, "more than %d work items", QUERY_WORK_MAX);
	*item = (struct query_item){ .kind = find_kind(name) };
	if (!item->kind)
		return syntax(p, "unknown function '%.*s'", shown(name), name->start);
	p->at++; /* the parenthesis */
	q->nr_items++;
	return parse_args(p, item);
}

static int parse_work(struct parse *p, struct query *q)
{
	struct token t;

	q->kind = QUERY_WORK;
	for (;;) {
		t = token_next(&p->at);
		switch (t.kind) {
		case TOKEN_END:
			return 0;
		case TOKEN_BAD:
			return syntax(p, "a string or comment does not end");
		case TOKEN_WORD:
			if (*p->at == '(' && parse_item(p, &t, q) != 0)
				return WORK_SYNTAX;
			break;
		case TOKEN_NUMBER:
		case TOKEN_STRING:
		case TOKEN_PUNCT:
			break;
		}
	}
}

/* Nothing but semicolons may follow. */
static int parse_end(struct parse *p)
{
	struct token t;

	do {
		t = token_next(&p->at);
	} while (token_is_punct(&t, ';'));
	if (t.kind == TOKEN_END)
		return 0;
	return syntax(p, "unexpected '%.*s'", shown(&t), t.start);
}

static int parse_name(struct parse *p, char *out, size_t size)
{
	struct token t = token_next(&p->at);

	if ((t.kind == TOKEN_WORD || t.kind == TOKEN_STRING) &&
	    token_copy(&t, out, size))
		return 0;
	return syntax(p, "expected a name of up to %zu bytes, not '%.*s'", size - 1,
		      shown(&t), t.start);
}

static int parse_ddl(struct parse *p, struct query *q)
{
	const char *before;
	enum token_unit unit;
	uint64_t n = 1;
	struct token t;

	q->kind = QUERY_DDL;
	if (parse_name(p, q->name, sizeof(q->name)) != 0)
		return WORK_SYNTAX;
	before = p->at;
	t = token_next(&p->at);
	if (token_is(&t, "partitions")) {
		t = token_next(&p->at);
		if (t.kind != TOKEN_NUMBER || !token_number(&t, &n, &unit) ||
		    unit != TOKEN_UNIT_NONE || n < 1 || n > DDL_PARTITIONS_MAX)
			return syntax(p, "PARTITIONS wants a number from 1 to %d",
				      DDL_PARTITIONS_MAX);
	} else {
		p->at = before;
	}
	q->partitions = (unsigned)n;
	return parse_end(p);
}

/* Behind the words of a command if the text at `at` starts with them, else NULL. */
static const char *skip_words(const char *at, const char *words)
{
	while (*words) {
		size_t len = strcspn(words, " ");
		struct token t = token_next(&at);
		char word[16];

		snprintf(word, sizeof(word), "%.*s", (int)len, words);
		if (!token_is(&t, word))
			return NULL;
		words += len;
		words += strspn(words, " ");
	}
	return at;
}

static const struct ddl_command *find_command(struct parse *p)
{
	size_t count;
	const struct ddl_command *commands = ddl_commands(&count);

	for (size_t i = 0; i < count; i++) {
		const char *at = skip_words(p->at, commands[i].words);

		if (at) {
			p->at = at;
			return &commands[i];
		}
	}
	return NULL;
}

int query_parse(const char *text, struct query *q, char *error)
{
	struct parse p = { .at = text, .error = error };
	struct token t;

	q->nr_items = 0;
	q->command = find_command(&p);
	if (q->command)
		return parse_ddl(&p, q);
	t = token_next(&p.at);
	if (token_is(&t, "use")) {
		q->kind = QUERY_USE;
		if (parse_name(&p, q->name, RECORD_DB_MAX) != 0)
			return WORK_SYNTAX;
		return parse_end(&p);
	}
	if (token_is(&t, "select") || token_is(&t, "insert") ||
	    token_is(&t, "update") || token_is(&t, "delete"))
		return parse_work(&p, q);
	return syntax(&p, "a statement cannot start with '%.*s'", shown(&t), t.start);
}
