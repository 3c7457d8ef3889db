/*
 * C's preprocessor, as far as it makes sense for a tracing program: names for tokens, and
 * lines that depend on names. Headers are not read: types come from the kernel's BTF.
 *
 * A name stands for its tokens wherever an identifier may stand in code, except behind '.'
 * and "struct": there it is a member's or a type's own name. The tokens get the place of
 * the name, so that messages show what the user wrote there.
 */
#include "lexer/preprocess.h"

#include <ctype.h>
#include <string.h>

#include "core/arena.h"
#include "core/diag.h"
#include "core/intern.h"
#include "lexer/condition.h"

enum {
	NBUCKETS = 256, /* a power of two */
	MAX_DEFINES = 4096,
	MAX_DEPTH = 100,       /* names in names */
	MAX_EXPANDED = 100000, /* tokens of a program: names of names of names ... */
};

/* #if ... #endif */
struct conditional {
	struct span at;
	bool taken;    /* one of its groups was not left out */
	bool has_else; /* nothing but #endif may follow */
};

struct preprocessor {
	struct define *buckets[NBUCKETS];
	size_t ndefines;
	struct {
		struct conditional *items;
		size_t n, cap;
	} conditionals;
	unsigned nested; /* #ifs inside the lines that are left out */

	/* What is being handed out, innermost last. */
	struct {
		struct define *define;
		size_t next;
	} frames[MAX_DEPTH];
	unsigned depth;
	struct span use; /* of the outermost name */
	size_t expanded;
};

/* Names. */

static struct define **find_slot(const struct lexer *l, const char *name)
{
	const size_t hash = ((uintptr_t)name >> 4) ^ ((uintptr_t)name >> 12);
	struct define **slot = &l->preprocessor->buckets[hash % NBUCKETS];

	while (*slot && (*slot)->name != name)
		slot = &(*slot)->next;
	return slot;
}

const struct define *preprocess_find(const struct lexer *l, const char *name)
{
	return *find_slot(l, name);
}

static struct define *define(struct lexer *l, const char *name, struct span at)
{
	struct define **slot = find_slot(l, name);

	if (!*slot) {
		*slot = ARENA_NEW(l->cc->arena, struct define);
		l->preprocessor->ndefines++;
	}
	(*slot)->name = name;
	(*slot)->at = at;
	return *slot;
}

static void undefine(struct lexer *l, const char *name)
{
	struct define **slot = find_slot(l, name);

	if (*slot)
		*slot = (*slot)->next;
}

void preprocess_start(struct lexer *l)
{
	/* What bpftrace's own tools ask for, and what says who runs a script. */
	static const char *const always[] = {
		"BPFTRACE_HAVE_BTF", "MEMQL", "__BPF_TRACING__", "__KERNEL__",
#ifdef __x86_64__
		"__x86_64__",
#endif
	};
	static const struct lexer_token one = {
		.token = TOKEN_INTEGER,
		.lexeme = { .text = "1", .len = 1, .value = 1 },
	};

	l->preprocessor = ARENA_NEW(l->cc->arena, struct preprocessor);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
		struct define *d =
			define(l, intern_str(l->cc->names, always[i]), SPAN_NOWHERE);

		d->tokens = &one;
		d->n = 1;
	}
}

void preprocess_define(struct lexer *l, const struct lexer_token *name,
		       const struct lexer_token *tokens, size_t n)
{
	struct lexer_token *copy = ARENA_ARRAY(l->cc->arena, struct lexer_token, n);
	struct define *d;

	if (l->preprocessor->ndefines >= MAX_DEFINES) {
		diag(l->cc, DIAG_unsupported, name->at, "more than %d names",
		     MAX_DEFINES);
		return;
	}
	d = define(l, name->lexeme.text, name->at);
	if (n)
		memcpy(copy, tokens, n * sizeof(*tokens));
	d->tokens = copy;
	d->n = n;
}

/* Expansion. */

bool preprocess_expand(struct lexer *l, const struct lexer_token *name)
{
	struct preprocessor *p = l->preprocessor;
	struct define *d = *find_slot(l, name->lexeme.text);

	if (!d || d->busy)
		return false;
	if (p->depth == 0)
		p->use = name->at;
	p->expanded += d->n;
	if (p->depth == MAX_DEPTH || p->expanded > MAX_EXPANDED) {
		diag(l->cc, DIAG_unsupported, p->use,
		     "names that stand for names that stand for names: too many");
		return false;
	}
	d->busy = true;
	p->frames[p->depth].define = d;
	p->frames[p->depth++].next = 0;
	return true;
}

bool preprocess_next(struct lexer *l, struct lexer_token *out)
{
	struct preprocessor *p = l->preprocessor;

	while (p->depth > 0) {
		struct define *d = p->frames[p->depth - 1].define;
		const size_t i = p->frames[p->depth - 1].next++;

		if (i < d->n) {
			*out = d->tokens[i];
			out->at = p->use;
			return true;
		}
		d->busy = false;
		p->depth--;
	}
	return false;
}

/* Directives. */

/* A # in the middle of a line is a mistake. */
static bool begins_line(const struct lexer *l, size_t len)
{
	const char *text = l->cc->source->text;
	uint32_t i = l->offset - (uint32_t)len;

	while (i > l->begin && strchr(" \t\r\v\f", text[i - 1]) && text[i - 1])
		i--;
	return i == l->begin || text[i - 1] == '\n';
}

/* "#  word name(" in its parts. */
struct directive {
	const char *word; /* interned, as the name */
	const char *name; /* NULL: none */
	bool has_parameters;
	struct span name_at;
};

static size_t blanks(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && (s[n] == ' ' || s[n] == '\t'))
		n++;
	return n;
}

static size_t letters(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && (isalnum((unsigned char)s[n]) || s[n] == '_'))
		n++;
	return n;
}

static struct directive split(const struct lexer *l, const char *text, size_t len)
{
	struct directive d = { .word = "" };
	size_t begin = 1 + blanks(text + 1, len - 1);
	size_t n = letters(text + begin, len - begin);
	const struct span all = scan_here(l, len);

	d.word = intern(l->cc->names, text + begin, n);
	begin += n;
	begin += blanks(text + begin, len - begin);
	n = letters(text + begin, len - begin);
	if (n == 0)
		return d;
	d.name = intern(l->cc->names, text + begin, n);
	d.name_at.begin = all.begin + (uint32_t)begin;
	d.name_at.end = d.name_at.begin + (uint32_t)n;
	d.has_parameters = text[len - 1] == '(';
	return d;
}

static bool is_word(const struct directive *d, const char *word)
{
	return strcmp(d->word, word) == 0;
}

static struct conditional *innermost(struct lexer *l)
{
	struct preprocessor *p = l->preprocessor;

	return p->conditionals.n ? &p->conditionals.items[p->conditionals.n - 1] : NULL;
}

static void begin_conditional(struct lexer *l, struct span at, bool is_true)
{
	const struct conditional c = { .at = at, .taken = is_true };

	ARENA_PUSH(l->cc->arena, &l->preprocessor->conditionals, c);
	l->skips = !is_true;
}

/* What #ifdef and #define cannot do without; a name that cannot be is one more. */
static const char *needed_name(struct lexer *l, const struct directive *d,
			       struct span at)
{
	if (!d->name)
		diag(l->cc, DIAG_syntax, at, "expected a name behind #%s", d->word);
	return d->name ? d->name : "";
}

static int define_name(struct lexer *l, const struct directive *d, struct span at,
		       struct lexeme *out)
{
	if (d->has_parameters) {
		diag(l->cc, DIAG_unsupported, d->name_at,
		     "a #define with parameters is not in memql");
		diag_hint(l->cc, "write macro %s(...) { ... }", d->name);
		return 0;
	}
	if (!*needed_name(l, d, at))
		return 0;
	out->text = d->name;
	return SCAN_DEFINE;
}

/* The text of an #error, which its author wrote for this moment. */
static void report_error(struct lexer *l, struct span at)
{
	const char *text = l->cc->source->text + at.end;
	const size_t len = strcspn(text, "\n");

	diag(l->cc, DIAG_syntax, at, "#error%.*s", (int)len, text);
}

/* #elif or #else, #endif: the lines up to here counted. False: there is no #if. */
static bool end_group(struct lexer *l, const struct directive *d, struct span at)
{
	struct conditional *c = innermost(l);

	if (!c) {
		diag(l->cc, DIAG_syntax, at, "#%s without an #if", d->word);
		return false;
	}
	if (is_word(d, "endif")) {
		l->preprocessor->conditionals.n--;
		return true;
	}
	if (c->has_else) {
		diag(l->cc, DIAG_syntax, at, "#%s behind #else", d->word);
		diag_note(l->cc, c->at, "it belongs to this");
	}
	c->has_else = c->has_else || is_word(d, "else");
	return true;
}

int preprocess(struct lexer *l, const char *text, size_t len, struct lexeme *out)
{
	const struct directive d = split(l, text, len);
	const struct span at = scan_here(l, len);

	l->skips = false;
	if (!begins_line(l, len)) {
		scan_stray(l, text, len);
	} else if (is_word(&d, "define")) {
		return define_name(l, &d, at, out);
	} else if (is_word(&d, "undef")) {
		undefine(l, needed_name(l, &d, at));
	} else if (is_word(&d, "ifdef")) {
		begin_conditional(l, at, preprocess_find(l, needed_name(l, &d, at)));
	} else if (is_word(&d, "ifndef")) {
		begin_conditional(l, at, !preprocess_find(l, needed_name(l, &d, at)));
	} else if (is_word(&d, "if")) {
		begin_conditional(l, at, true); /* until preprocess_if() knows */
		return SCAN_IF;
	} else if (is_word(&d, "elif") || is_word(&d, "else")) {
		l->skips = end_group(l, &d, at);
	} else if (is_word(&d, "endif")) {
		end_group(l, &d, at);
	} else if (is_word(&d, "include")) {
		l->has_includes = true;
	} else if (is_word(&d, "error")) {
		report_error(l, at);
	} else if (!is_word(&d, "pragma") && !is_word(&d, "warning")) {
		scan_stray(l, text, len);
	}
	return 0;
}

enum skipped preprocess_skipped(struct lexer *l, const char *text, size_t len)
{
	struct preprocessor *p = l->preprocessor;
	struct conditional *c = innermost(l);
	const struct directive d = split(l, text, len);

	if (!begins_line(l, len))
		return SKIPPED_NOTHING;
	if (is_word(&d, "if") || is_word(&d, "ifdef") || is_word(&d, "ifndef")) {
		p->nested++;
		return SKIPPED_NOTHING;
	}
	if (p->nested > 0) {
		p->nested -= is_word(&d, "endif");
		return SKIPPED_NOTHING;
	}
	if (!is_word(&d, "elif") && !is_word(&d, "else") && !is_word(&d, "endif"))
		return SKIPPED_NOTHING;
	end_group(l, &d, scan_here(l, len));
	if (is_word(&d, "endif"))
		return SKIPPED_END;
	if (c->taken)
		return SKIPPED_NOTHING;
	if (is_word(&d, "elif"))
		return SKIPPED_ELIF;
	c->taken = true;
	return SKIPPED_END;
}

void preprocess_if(struct lexer *l, struct span at, const struct lexer_token *tokens,
		   size_t n)
{
	innermost(l)->taken = condition_is_true(l, at, tokens, n);
	if (!innermost(l)->taken)
		scan_skip(l);
}

void preprocess_end(struct lexer *l)
{
	const struct conditional *c = innermost(l);

	if (c)
		diag(l->cc, DIAG_syntax, c->at, "expected #endif before the end");
}
