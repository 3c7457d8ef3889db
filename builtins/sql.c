/*
 * normalize(text): statements that differ in their literals only become one text. A machine
 * reads it byte by byte in the kernel, so that maps hold an entry for each form, not for
 * each statement, and what a client wrote into literals stays where it was.
 *
 * It knows what begins and ends text as the lexers of the servers do: scan.l of PostgreSQL,
 * sql_lex.cc of MySQL and MariaDB, tokenize.c of SQLite. Where a byte could be inside of
 * text or not, or where that depends on what it cannot remember (the tag of $tag$, how deep
 * comments are nested) or see (standard_conforming_strings), it shows no more.
 */
#include <ctype.h>
#include <string.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "core/compile.h"
#include "parser/ast.h"
#include "sema/sema.h"

/*
 * A literal is a "?", written at its first byte; white space and a comment are one blank.
 * The states ..._SPACED are behind a blank that was written, or at the beginning: a comment
 * writes none there.
 */
enum state {
	SPACE,   /* the beginning, too */
	BETWEEN, /* behind what stands for itself */
	WORD,    /* a name, which may hold digits */
	WORD_E,  /* only E so far: E'...' */
	WORD_X,  /* B, N or X */
	DOT,     /* .5 */
	NUMBER,
	NUMBER_ZERO, /* 0 */
	NUMBER_E,    /* 1e */
	NUMBER_MINUS, /* 1e-, where the - is written: it may be one, or begin a comment */
	NUMBER_PLUS,        /* 1e+ */
	HEX,                /* 0x: its e is a digit */
	DOLLAR,             /* $ */
	TAG,                /* $tag, which is a parameter as well */
	PARAMETER,          /* $1 */
	DOLLARS,            /* in $$...$$ */
	DOLLARS_END,        /* behind a $ in it */
	TEXT_FIRST,         /* ' */
	TEXT,               /* in '...' */
	TEXT_QUOTE,         /* behind a ' in it: another one would be a part of it */
	TEXT_BACKSLASH,     /* behind a \ */
	TEXT_ONE_BACKSLASH, /* '\ */
	TEXT_ESCAPE,        /* '\', as in LIKE ... ESCAPE '\' */
	ESCAPED,            /* in '...' where a \ hides what follows */
	ESCAPED_QUOTE,
	ESCAPED_BACKSLASH,
	DOUBLE, /* in "...", where that is text */
	DOUBLE_QUOTE,
	DOUBLE_BACKSLASH,
	NAME,          /* in "...", where that is a name */
	NAME_BACKTICK, /* in `...` */
	NAME_BRACKET,  /* in [...] */
	MINUS,
	MINUS_SPACED,
	MINUS_TWO, /* MySQL: a comment only if white space follows; one is written */
	MINUS_TWO_SPACED,
	LINE, /* in a comment up to the line's end */
	SLASH,
	SLASH_SPACED,
	COMMENT_FIRST, /* behind its slash and star; MySQL: an exclamation mark, or an M */
	COMMENT_M,     /* and that, make it code, for servers */
	COMMENT_VERSION, /* of this version: digits */
	COMMENT,
	COMMENT_STAR,
	COMMENT_SLASH,
	STAR, /* MySQL: may end such code */
	STAR_SPACED,
	REST_1, /* "..." is written, and no more, if there is more */
	REST_2,
	REST_3,
	END = TRANSDUCER_END,
};

enum dialect { SQL, MYSQL, SQLITE };
static const char *const dialects[] = { "sql", "mysql", "sqlite", NULL };

static uint16_t step(enum state next, unsigned char byte, unsigned flags)
{
	return (uint16_t)((unsigned)next << TRANSDUCER_STATE | flags | byte);
}

static uint16_t put(enum state next, unsigned char byte)
{
	return step(next, byte, TRANSDUCER_KEEP);
}

static uint16_t skip(enum state next)
{
	return step(next, 0, 0);
}

/* In the place of the byte that was written last. */
static uint16_t replace(enum state next, unsigned char byte)
{
	return step(next, byte, TRANSDUCER_KEEP | TRANSDUCER_BACK);
}

static uint16_t take_back(enum state next)
{
	return step(next, 0, TRANSDUCER_BACK);
}

/* A comment begins, of which one byte is written. */
static uint16_t comment(enum state next, bool spaced)
{
	return spaced ? take_back(next) : replace(next, ' ');
}

static bool is_word(unsigned char c)
{
	return isalnum(c) || c == '_' || c >= 0x80;
}

static bool begins_word(enum dialect d, unsigned char c)
{
	if ((is_word(c) && !isdigit(c)) || (d == MYSQL && c == '@'))
		return true;
	return d == SQLITE && c && strchr("$@:?", c); /* its parameters */
}

static uint16_t begin_quoted(enum dialect d, unsigned char c)
{
	if (c == '\'')
		return put(d == MYSQL ? ESCAPED : d == SQL ? TEXT_FIRST : TEXT, '?');
	if (c == '`')
		return put(NAME_BACKTICK, c);
	return d == MYSQL ? put(DOUBLE, '?') : put(NAME, c);
}

static uint16_t begin_word(enum dialect d, unsigned char c)
{
	if (d == SQL && (c == 'e' || c == 'E'))
		return put(WORD_E, c);
	return put(strchr("bBnNxX", c) ? WORD_X : WORD, c);
}

/* What a byte begins, behind something that has ended. */
static uint16_t begin(enum dialect d, unsigned char c, bool spaced)
{
	if (isspace(c))
		return spaced ? skip(SPACE) : put(SPACE, ' ');
	if (isdigit(c))
		return put(c == '0' ? NUMBER_ZERO : NUMBER, '?');
	if (begins_word(d, c))
		return begin_word(d, c);
	switch (c) {
	case '\'':
	case '"':
	case '`':
		return begin_quoted(d, c);
	case '$':
		return put(DOLLAR, c);
	case '.':
		return put(DOT, c);
	case '-':
		return put(spaced ? MINUS_SPACED : MINUS, c);
	case '/':
		return put(spaced ? SLASH_SPACED : SLASH, c);
	case '*':
		return put(d != MYSQL ? BETWEEN : spaced ? STAR_SPACED : STAR, c);
	case '#':
		if (d == MYSQL)
			return spaced ? skip(LINE) : put(LINE, ' ');
		break;
	case '[':
		return put(d == SQLITE ? NAME_BRACKET : BETWEEN, c);
	}
	return put(BETWEEN, c);
}

static uint16_t in_word(enum dialect d, enum state s, unsigned char c)
{
	if (is_word(c) || c == '$')
		return put(WORD, c);
	if (c == '\'' && s == WORD_E)
		return replace(ESCAPED, '?');
	if (c == '\'' && s == WORD_X)
		return replace(d == MYSQL ? ESCAPED : TEXT, '?');
	/* t.5 is no number for all of them: its point stays. */
	return c == '.' ? put(BETWEEN, c) : begin(d, c, false);
}

static uint16_t in_minus(enum dialect d, unsigned char c, bool spaced)
{
	if (c != '-')
		return begin(d, c, false);
	if (d == MYSQL)
		return skip(spaced ? MINUS_TWO_SPACED : MINUS_TWO);
	return comment(LINE, spaced);
}

static uint16_t in_number(enum dialect d, enum state s, unsigned char c)
{
	if ((s == NUMBER_MINUS || s == NUMBER_PLUS) && isdigit(c))
		return take_back(NUMBER);
	if (s == NUMBER_MINUS)
		return in_minus(d, c, false);
	if (s == NUMBER_PLUS)
		return begin(d, c, false);
	if (s == NUMBER_E && (c == '-' || c == '+'))
		return put(c == '-' ? NUMBER_MINUS : NUMBER_PLUS, c);
	if (s == NUMBER_ZERO && (c == 'x' || c == 'X'))
		return skip(HEX);
	if (s != HEX && (c == 'e' || c == 'E'))
		return skip(NUMBER_E);
	if (is_word(c) || c == '.')
		return skip(s == HEX ? HEX : NUMBER);
	return begin(d, c, false);
}

/* PostgreSQL's $1, $$text$$ and $tag$text$tag$; of the last, the tag is not remembered. */
static uint16_t in_dollars(enum dialect d, enum state s, unsigned char c)
{
	if (s == DOLLARS || s == DOLLARS_END)
		return skip(c != '$' ? DOLLARS : s == DOLLARS ? DOLLARS_END : BETWEEN);
	if (s == DOLLAR && c == '$')
		return replace(DOLLARS, '?');
	if (s == TAG && c == '$')
		return put(REST_1, c);
	if (s != TAG && isdigit(c))
		return put(PARAMETER, c);
	if (s != PARAMETER && is_word(c))
		return put(TAG, c);
	return begin(d, c, false);
}

/* With standard_conforming_strings, a backslash is one; without, it hides what follows. */
static uint16_t in_text(enum dialect d, enum state s, unsigned char c)
{
	const bool matters = d == SQL && c == '\\';

	if (s == TEXT_QUOTE)
		return c == '\'' ? skip(TEXT) : begin(d, c, false);
	if (s == TEXT_BACKSLASH)
		return skip(c == '\'' ? REST_1 : TEXT);
	if (s == TEXT_ONE_BACKSLASH)
		return skip(c == '\'' ? TEXT_ESCAPE : TEXT);
	if (s == TEXT_ESCAPE)
		return isspace(c) || c == ')' || c == ',' || c == ';'
			       ? begin(d, c, false)
			       : put(REST_2, '.');
	if (c == '\'')
		return skip(TEXT_QUOTE);
	if (matters)
		return skip(s == TEXT_FIRST ? TEXT_ONE_BACKSLASH : TEXT_BACKSLASH);
	return skip(TEXT);
}

/* Text of the quote, which follow the state text: a quote in it, and a backslash. */
static uint16_t in_escaped(enum dialect d, enum state s, unsigned char c,
			   unsigned char quote, enum state text)
{
	if (s == text + 1)
		return c == quote ? skip(text) : begin(d, c, false);
	if (s == text + 2)
		return skip(text);
	return skip(c == quote ? text + 1 : c == '\\' ? text + 2 : text);
}

static uint16_t in_name(enum state s, unsigned char c)
{
	const unsigned char end = s == NAME ? '"' : s == NAME_BACKTICK ? '`' : ']';

	return put(c == end ? BETWEEN : s, c);
}

/* MySQL's second minus is not written: the text may go on as "- -", which is "-" then. */
static uint16_t in_minus_two(enum dialect d, enum state s, unsigned char c)
{
	if (c == '-')
		return put(MINUS_TWO, c);
	if (c <= ' ')
		return comment(c == '\n' ? SPACE : LINE, s == MINUS_TWO_SPACED);
	return begin(d, c, false);
}

static uint16_t in_comment(enum dialect d, enum state s, unsigned char c)
{
	if (s == LINE)
		return skip(c == '\n' || (c == '\r' && d == SQL) ? SPACE : LINE);
	if (s == COMMENT_VERSION)
		return isdigit(c) ? skip(s) : begin(d, c, true);
	if (d == MYSQL && c == '!' && (s == COMMENT_FIRST || s == COMMENT_M))
		return skip(COMMENT_VERSION);
	if (d == MYSQL && c == 'M' && s == COMMENT_FIRST)
		return skip(COMMENT_M);
	if (s == COMMENT_STAR && c == '/')
		return skip(SPACE);
	if (d == SQL && s == COMMENT_SLASH && c == '*') /* they are nested */
		return skip(REST_1);
	return skip(c == '*' ? COMMENT_STAR : c == '/' ? COMMENT_SLASH : COMMENT);
}

static uint16_t transition(enum dialect d, enum state s, unsigned char c)
{
	if (!c)
		return s == MINUS_TWO || s == MINUS_TWO_SPACED ? take_back(END)
							       : skip(END);
	if (s <= BETWEEN)
		return begin(d, c, s == SPACE);
	if (s <= WORD_X)
		return in_word(d, s, c);
	if (s == DOT)
		return isdigit(c) ? replace(NUMBER, '?') : begin(d, c, false);
	if (s <= HEX)
		return in_number(d, s, c);
	if (s <= DOLLARS_END)
		return in_dollars(d, s, c);
	if (s <= TEXT_ESCAPE)
		return in_text(d, s, c);
	if (s <= ESCAPED_BACKSLASH)
		return in_escaped(d, s, c, '\'', ESCAPED);
	if (s <= DOUBLE_BACKSLASH)
		return in_escaped(d, s, c, '"', DOUBLE);
	if (s <= NAME_BRACKET)
		return in_name(s, c);
	if (s <= MINUS_SPACED)
		return in_minus(d, c, s == MINUS_SPACED);
	if (s <= MINUS_TWO_SPACED)
		return in_minus_two(d, s, c);
	if (s == SLASH || s == SLASH_SPACED)
		return c == '*' ? comment(COMMENT_FIRST, s == SLASH_SPACED)
				: begin(d, c, false);
	if (s <= COMMENT_SLASH)
		return in_comment(d, s, c);
	if (s <= STAR_SPACED)
		return c == '/' ? comment(SPACE, s == STAR_SPACED) : begin(d, c, false);
	if (s <= REST_3)
		return put(s == REST_3 ? END : s + 1, '.');
	return skip(END);
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

/* White space or a comment at the end. Verifiers before 6.8 learn nothing from len != 0. */
static void without_last_blank(struct emit *e, struct value text, size_t size)
{
	struct value len = { .ref = text.len }, zero = emit_int(e, 0), at, byte, blank;

	at = emit_op(e, OP_SUB, len, emit_op(e, OP_NE, len, zero, false), false);
	at = emit_at(e, text, emit_bounded(e, at, size - 1));
	byte = emit_load(e, at, 0, 1, false);
	blank = emit_op(e, OP_EQ, byte, emit_int(e, ' '), false);
	emit_store(e, at, 0, emit_select(e, blank, zero, byte), 1);
}

static struct value emit_normalize(struct emit *e, const struct node *call)
{
	const struct node *text = call_arg(call, 0);
	const size_t size = (size_t)text->type->limit + 1;
	struct value dest = emit_dest(e, call), copy = emit_memory(e, text);

	/* A key has nothing behind its NUL: what was longer must not have been there. */
	copy = emit_transduce(e, copy, size, call->call.data);
	without_last_blank(e, copy, size);
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
		.flags = BUILTIN_OURS,
		.returns = { .kind = TYPE_STR },
		.params = {
			{ .name = "text", .type = TYPE_STR },
			{ .name = "dialect", .type = TYPE_ANY,
			  .flags = PARAM_OPTIONAL | PARAM_WORD },
		},
		.check = check_normalize,
		.summary = "a statement of SQL without its literals",
		.doc = "Numbers and text in quotes become `?`, white space and comments a blank: "
		       "`SELECT * FROM t WHERE id = 7 -- mine` is `SELECT * FROM t WHERE id = ?`. "
		       "Statements of one form become one key, and what clients wrote into "
		       "literals and comments is not shown. Words and `$1` stay as they are. The "
		       "dialect is `sql` (the default, for PostgreSQL: also `E'it\\'s'`, `$$text$$`), "
		       "`mysql` (`\"text\"` is a literal, a backslash hides a quote, `#` begins a "
		       "comment; `/*! code */` is code) or `sqlite`.\n\n"
		       "Where it cannot know how far a literal goes, `...` stands for the rest: in "
		       "`sql` from `$tag$` on, from a comment in a comment on, and behind a quote that "
		       "follows a backslash in `'text'`, but for `'\\'`. What it goes by is how servers "
		       "are set unless somebody changed it: with `NO_BACKSLASH_ESCAPES`, MySQL takes "
		       "`'C:\\'` for a whole literal, and this for the beginning of one.",
		.example = "usdt:/usr/lib/postgresql/15/bin/postgres:query__start\n"
			   "{ @[normalize(str(arg0))] = count(); }",
		.emit = emit_normalize,
	},
	{
		.name = "hash",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_OURS,
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
