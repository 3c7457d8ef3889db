/*
 * normalize(text): statements that differ in their literals only become one text. A machine
 * reads it byte by byte in the kernel, so that maps hold an entry for each form, not for
 * each statement, and what a client wrote into literals stays where it was.
 */
#include <ctype.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "core/compile.h"
#include "parser/ast.h"
#include "sema/sema.h"

enum state {
	BETWEEN,      /* words */
	SPACE,        /* one blank was written for it */
	WORD,         /* a name, which may hold digits; $1, ?1, which are no literals */
	NUMBER,       /* "?" was written for it */
	TEXT,         /* in '...': the same */
	TEXT_QUOTE,   /* behind a ' in it: another one would be a part of it */
	TEXT_ESCAPE,  /* behind a \ in it */
	QUOTED,       /* in "...": a name, or text: MySQL */
	QUOTED_QUOTE, /* behind a " in text */
	QUOTED_ESCAPE, /* behind a \ in text */
	END = TRANSDUCER_END,
};

enum dialect { SQL, MYSQL };
static const char *const dialects[] = { "sql", "mysql", NULL };

enum { KEEP = 1 << 8 };

static uint16_t step(enum state next, unsigned char byte, bool keep)
{
	return (uint16_t)((unsigned)next << 12 | (keep ? KEEP : 0) | byte);
}

/* What a byte begins, behind something that has ended. */
static uint16_t begin(enum dialect d, unsigned char c)
{
	if (isspace(c))
		return step(SPACE, ' ', true);
	if (isdigit(c))
		return step(NUMBER, '?', true);
	if (isalpha(c) || c == '_' || c == '$' || c == '@' || c == '?' || c >= 0x80)
		return step(WORD, c, true);
	if (c == '\'')
		return step(TEXT, '?', true);
	if (c == '"')
		return step(QUOTED, d == MYSQL ? '?' : c, true);
	return step(BETWEEN, c, true);
}

/* In text, of which nothing is written; a backslash hides what follows in MySQL only. */
static uint16_t in_text(enum dialect d, unsigned char c, char quote, enum state text)
{
	if (c == quote)
		return step(text + 1, 0, false);
	if (d == MYSQL && c == '\\')
		return step(text + 2, 0, false);
	return step(text, 0, false);
}

static uint16_t transition(enum dialect d, enum state s, unsigned char c)
{
	if (!c || s == END)
		return step(END, 0, false);
	switch (s) {
	case BETWEEN:
		break;
	case SPACE:
		return isspace(c) ? step(SPACE, 0, false) : begin(d, c);
	case WORD:
		return isdigit(c) ? step(WORD, c, true) : begin(d, c);
	case NUMBER:
		return isalnum(c) || c == '.' || c == '_' ? step(NUMBER, 0, false)
							  : begin(d, c);
	case TEXT:
		return in_text(d, c, '\'', TEXT);
	case TEXT_QUOTE:
		return c == '\'' ? step(TEXT, 0, false) : begin(d, c);
	case TEXT_ESCAPE:
		return step(TEXT, 0, false);
	case QUOTED:
		if (d == MYSQL)
			return in_text(d, c, '"', QUOTED);
		return c == '"' ? step(BETWEEN, c, true) : step(QUOTED, c, true);
	case QUOTED_QUOTE:
		return c == '"' ? step(QUOTED, 0, false) : begin(d, c);
	case QUOTED_ESCAPE:
		return step(QUOTED, 0, false);
	case END:
		break;
	}
	return begin(d, c);
}

static const uint16_t *machine(struct compile *cc, enum dialect d)
{
	uint16_t *table = ARENA_ARRAY(cc->arena, uint16_t, TRANSDUCER_ROWS * 256);

	for (unsigned s = 0; s < TRANSDUCER_ROWS; s++)
		for (unsigned c = 0; c < 256; c++)
			table[s * 256 + c] =
				transition(d, (enum state)s, (unsigned char)c);
	return table;
}

static bool check_normalize(struct sema *s, struct node *call)
{
	const int dialect = call_word(s, call, 1, dialects);

	if (dialect < 0)
		return false;
	call->type = type_str(s->cc->arena, call_arg(call, 0)->type->limit);
	if (s->report)
		call->call.data = (void *)machine(s->cc, (enum dialect)dialect);
	return true;
}

static struct value emit_normalize(struct emit *e, const struct node *call)
{
	const struct node *text = call_arg(call, 0);
	const size_t size = (size_t)text->type->limit + 1;
	struct value dest = emit_dest(e, call), copy = emit_memory(e, text);

	/* A key has nothing behind its NUL: what was longer must not have been there. */
	emit_transduce(e, copy, size, call->call.data);
	return emit_copy_str(e, dest, copy, size);
}

/*
 * Hashes are numbers that people compare and type: 31 bits of it. 0 is left for "none".
 */
static struct value emit_hash(struct emit *e, const struct node *call)
{
	const struct node *text = call_arg(call, 0);
	struct value hash = emit_hash_text(e, emit_text_memory(e, text),
					   (size_t)text->type->limit + 1);

	hash = emit_op(e, OP_XOR, hash,
		       emit_op(e, OP_SHR, hash, emit_int(e, 32), false), false);
	return emit_op(e, OP_OR,
		       emit_op(e, OP_AND, hash, emit_int(e, INT32_MAX), false),
		       emit_int(e, 1), false);
}

const struct builtin sql_builtins[] = {
	{
		.name = "normalize",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_STR },
		.params = {
			{ .name = "text", .type = TYPE_STR },
			{ .name = "dialect", .type = TYPE_ANY,
			  .flags = PARAM_OPTIONAL | PARAM_WORD },
		},
		.check = check_normalize,
		.summary = "a statement of SQL without its literals",
		.doc = "Numbers and text in quotes become `?`, white space a blank: `SELECT * "
		       "FROM t WHERE id = 7` is `SELECT * FROM t WHERE id = ?`. Statements of one "
		       "form become one key, and what clients wrote into literals is not "
		       "shown. Words and `$1` stay as they are, comments too, but for the "
		       "literals in them. It does not know `E'it\\'s'` with a backslash before a "
		       "quote in `sql`, `$$text$$`, and a single quote in a comment: from there on "
		       "text and literals may be taken for each other. dialect is `sql` (the default) or `mysql`, where "
		       "`\"text\"` is a literal and a backslash hides a quote.",
		.example = "usdt:/usr/lib/postgresql/15/bin/postgres:query__start\n"
			   "{ @[normalize(str(arg0))] = count(); }",
		.emit = emit_normalize,
	},
	{
		.name = "hash",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = { { .name = "text", .type = TYPE_STR } },
		.summary = "a number that stands for a text",
		.doc = "The same text has the same number, in each run; it is above 0 and has at "
		       "most ten digits. Two texts of a thousand have the same with a "
		       "probability of 1 in 2,000.",
		.example = "usdt:/usr/lib/postgresql/15/bin/postgres:query__start\n"
			   "{ @[hash(normalize(str(arg0)))] = count(); }",
		.emit = emit_hash,
	},
	{ 0 },
};
