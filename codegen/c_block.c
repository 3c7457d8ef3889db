/*
 * Blocks as statements: if, do ... while, and what cannot be said by them as goto. A block
 * that several ways lead to is written behind the block they all go through; the way that
 * ends right before it needs no jump.
 */
#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "codegen/c_text.h"
#include "codegen/explained.h"
#include "core/arena.h"

/* Where one stands. */
struct flow {
	uint32_t next;  /* the block that follows in the text; C_NONE: none */
	uint32_t loop;  /* the innermost loop, or C_NONE */
	bool in_switch; /* break would only leave that */
};

static bool write_tree(struct c_function *f, uint32_t block, struct flow w);

void c_line(struct c_function *f, const char *fmt, ...)
{
	struct c_line line = { .depth = f->depth, .block = C_NONE };
	va_list ap;

	va_start(ap, fmt);
	line.text = arena_vprintf(f->a, fmt, ap);
	va_end(ap);
	ARENA_PUSH(f->a, f->out, line);
}

/* Which words of the script follow, if these are others than before. */
static void say_words(struct c_function *f, const struct c_value *v)
{
	const struct explaining *x = f->m->explaining;
	uint32_t construct = construct_find(f->m, LLVMGetDebugLocLine(v->ref),
					    LLVMGetDebugLocColumn(v->ref));
	const struct c_words *best = NULL;
	struct span span;

	if (construct == CONSTRUCT_NONE || LLVMIsAAllocaInst(v->ref))
		return;
	span = x->constructs.items[construct].span;
	for (size_t i = 0; i < f->words.n; i++) {
		const struct c_words *w = &f->words.items[i];

		if (w->span.begin <= span.begin && span.end <= w->span.end &&
		    (!best ||
		     w->span.end - w->span.begin < best->span.end - best->span.begin))
			best = w;
	}
	if (!best || best == f->said)
		return;
	f->said = best;
	c_line(f, "/* %s */", best->text);
}

static void write_values(struct c_function *f, const struct c_block *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct c_value *v = &f->values.items[b->first + i];

		if (v->is_inline || v->is_said || LLVMIsATerminatorInst(v->ref) ||
		    LLVMIsAPHINode(v->ref))
			continue;
		say_words(f, v);
		c_statement(f, v);
	}
}

/* What the values that depend on the way here become. */
static void write_phis(struct c_function *f, uint32_t from, uint32_t to)
{
	const struct c_block *b = &f->blocks.items[to];

	for (uint32_t i = 0; i < b->n; i++) {
		struct c_value *v = &f->values.items[b->first + i], *have;

		if (!LLVMIsAPHINode(v->ref))
			return;
		for (unsigned k = 0; k < LLVMCountIncoming(v->ref); k++) {
			LLVMValueRef in = LLVMGetIncomingValue(v->ref, k);

			have = c_find(f, in);
			if (c_find_block(f, LLVMGetIncomingBlock(v->ref, k)) != from ||
			    (have && have->name && have->name == v->name))
				continue;
			c_line(f, "%s = %s%s;", c_name(f, v),
			       LLVMIsAGlobalValue(in) ? "(void *)" : "",
			       c_expr(f, in, C_ANY));
		}
	}
}

static void write_return(struct c_function *f, LLVMValueRef end)
{
	c_line(f, "return %s;", c_expr(f, LLVMGetOperand(end, 0), C_ANY));
}

/* The few instructions that end the function, again. */
static void write_exit(struct c_function *f, uint32_t block)
{
	const struct c_words *said = f->said;

	for (;;) {
		const struct c_block *b = &f->blocks.items[block];
		LLVMValueRef end = LLVMGetBasicBlockTerminator(b->ref);

		for (uint32_t i = 0; i + 1 < b->n; i++) {
			struct c_value *v = &f->values.items[b->first + i];

			if (v->is_inline || v->is_said || LLVMIsATerminatorInst(v->ref))
				continue;
			v->name = NULL; /* it is another one each time */
			c_statement(f, v);
		}
		if (LLVMIsAReturnInst(end)) {
			write_return(f, end);
			f->said = said;
			return;
		}
		block = b->next[0];
	}
}

/* Go there. False if what follows in the text is not what follows. */
static bool write_way(struct c_function *f, uint32_t from, uint32_t to, struct flow w)
{
	struct c_block *b = &f->blocks.items[to];

	write_phis(f, from, to);
	if (b->is_exit) {
		write_exit(f, to);
		return false;
	}
	if (to == w.next)
		return true;
	if (w.loop != C_NONE && f->blocks.items[w.loop].loop_done == to &&
	    !w.in_switch) {
		c_line(f, "break;");
		return false;
	}
	if (b->npred == 1 && !b->is_done)
		return write_tree(f, to, w);
	if (!b->label)
		b->label = ++f->nlabels;
	c_line(f, "goto label%u;", b->label);
	return false;
}

static const char *condition_text(struct c_function *f, const struct c_condition *c,
				  bool negated, enum c_tight tight)
{
	bool flip = c->negated != negated, is_and = c->is_and != flip;
	enum c_tight own = is_and ? C_AND : C_OR;
	const char *text;

	if (c->value)
		return c_truth(f, c->value, flip, tight);
	/* Compilers want to see that && in || is meant. */
	text = arena_printf(f->a, "%s %s %s",
			    condition_text(f, c->left, flip, is_and ? C_AND : C_BITS),
			    is_and ? "&&" : "||",
			    condition_text(f, c->right, flip, is_and ? C_AND : C_BITS));
	return own < tight ? arena_printf(f->a, "(%s)", text) : text;
}

static const char *block_condition(struct c_function *f, const struct c_block *b,
				   bool negated)
{
	if (b->condition)
		return condition_text(f, b->condition, negated, C_ANY);
	return c_truth(f, LLVMGetCondition(LLVMGetBasicBlockTerminator(b->ref)),
		       negated, C_ANY);
}

/* Lines of one side, to be put in braces or not. */
struct side {
	struct c_lines lines;
	bool falls; /* to what follows */
};

static struct side write_side(struct c_function *f, uint32_t from, uint32_t to,
			      struct flow w)
{
	struct c_lines *outer = f->out;
	const struct c_words *said = f->said;
	struct side s = { .falls = false };

	f->out = &s.lines;
	f->depth++;
	s.falls = write_way(f, from, to, w);
	f->depth--;
	f->out = outer;
	f->said = said;
	return s;
}

static void put_lines(struct c_function *f, const struct side *s, int deeper)
{
	for (size_t i = 0; i < s->lines.n; i++) {
		struct c_line line = s->lines.items[i];

		line.depth += deeper;
		ARENA_PUSH(f->a, f->out, line);
	}
}

static bool needs_braces(const struct side *s)
{
	return s->lines.n != 1 || s->lines.items[0].is_declaration ||
	       !s->lines.items[0].text;
}

static void put_if(struct c_function *f, const char *condition, const struct side *yes,
		   const struct side *no)
{
	bool braces = needs_braces(yes) || (no && needs_braces(no));

	c_line(f, "if (%s)%s", condition, braces ? " {" : "");
	put_lines(f, yes, 0);
	if (no) {
		c_line(f, "%selse%s", braces ? "} " : "", braces ? " {" : "");
		put_lines(f, no, 0);
	}
	if (braces)
		c_line(f, "}");
}

static bool write_branch(struct c_function *f, uint32_t block, struct flow w)
{
	const struct c_block *b = &f->blocks.items[block];
	const char *yes = block_condition(f, b, false);
	const char *no = block_condition(f, b, true);
	struct side then = write_side(f, block, b->next[0], w);
	struct side otherwise = write_side(f, block, b->next[1], w);
	bool only_then =
		!then.falls && (otherwise.falls || then.lines.n <= otherwise.lines.n);

	if (only_then) {
		put_if(f, yes, &then, NULL);
		put_lines(f, &otherwise, -1);
		return otherwise.falls;
	}
	if (!otherwise.falls) {
		put_if(f, no, &otherwise, NULL);
		put_lines(f, &then, -1);
		return then.falls;
	}
	if (!then.lines.n && !otherwise.lines.n)
		return true;
	if (!then.lines.n)
		put_if(f, no, &otherwise, NULL);
	else
		put_if(f, yes, &then, otherwise.lines.n ? &otherwise : NULL);
	return true;
}

/* The end of a loop's turn. */
static bool write_turn_end(struct c_function *f, uint32_t block, struct flow w)
{
	const struct c_block *b = &f->blocks.items[block];
	struct c_block *head = &f->blocks.items[w.loop];

	write_phis(f, block, w.loop);
	head->again = block_condition(f, b, b->next[0] != w.loop);
	if (w.next == w.loop)
		return true;
	c_line(f, "continue;");
	return false;
}

static bool write_switch(struct c_function *f, uint32_t block, struct flow w)
{
	LLVMValueRef end = LLVMGetBasicBlockTerminator(f->blocks.items[block].ref);
	struct flow inner = w;

	inner.in_switch = true;
	c_line(f, "switch (%s) {", c_expr(f, LLVMGetOperand(end, 0), C_ANY));
	for (unsigned i = 1; i < LLVMGetNumSuccessors(end); i++) {
		struct side s;

		c_line(f, "case %s:", c_expr(f, LLVMGetOperand(end, 2 * i), C_ANY));
		s = write_side(f, block, c_find_block(f, LLVMGetSuccessor(end, i)),
			       inner);
		put_lines(f, &s, 0);
		f->depth++;
		if (s.falls)
			c_line(f, "break;");
		f->depth--;
	}
	c_line(f, "}");
	return write_way(f, block, c_find_block(f, LLVMGetSuccessor(end, 0)), w);
}

static bool write_end(struct c_function *f, uint32_t block, struct flow w)
{
	const struct c_block *b = &f->blocks.items[block];
	LLVMValueRef end = LLVMGetBasicBlockTerminator(b->ref);

	if (LLVMIsAReturnInst(end)) {
		write_return(f, end);
		return false;
	}
	if (LLVMIsASwitchInst(end))
		return write_switch(f, block, w);
	if (w.loop != C_NONE && f->blocks.items[w.loop].loop_end == block)
		return write_turn_end(f, block, w);
	if (b->nnext == 1)
		return write_way(f, block, b->next[0], w);
	return write_branch(f, block, w);
}

/* Is it written behind its parent, and not where the one way to it ends? */
static bool is_apart(const struct c_block *b)
{
	return b->npred > 1 && !b->is_exit && !b->is_done;
}

static uint32_t next_apart(const struct c_function *f, uint32_t child)
{
	while (child != C_NONE && !is_apart(&f->blocks.items[child]))
		child = f->blocks.items[child].sibling;
	return child;
}

static void put_label(struct c_function *f, uint32_t block)
{
	struct c_line line = { .block = block };

	ARENA_PUSH(f->a, f->out, line);
}

/* A block and what comes after it up to w.next. */
static bool write_node(struct c_function *f, uint32_t block, struct flow w)
{
	uint32_t child = next_apart(f, f->blocks.items[block].child);
	struct flow own = w;
	bool falls;

	write_values(f, &f->blocks.items[block]);
	own.next = child != C_NONE ? child : w.next;
	falls = write_end(f, block, own);
	while (child != C_NONE) {
		uint32_t next = next_apart(f, f->blocks.items[child].sibling);

		own.next = next != C_NONE ? next : w.next;
		put_label(f, child);
		falls = write_tree(f, child, own);
		child = next;
	}
	return falls;
}

static bool write_tree(struct c_function *f, uint32_t block, struct flow w)
{
	const struct c_block *b = &f->blocks.items[block];
	uint32_t done = b->loop_done;

	if (b->loop_end == C_NONE)
		return write_node(f, block, w);
	c_line(f, "do {");
	f->depth++;
	write_node(f, block, (struct flow){ .next = block, .loop = block });
	f->depth--;
	c_line(f, "} while (%s);", b->again);
	write_phis(f, b->loop_end, done);
	if (done == w.next)
		return true;
	put_label(f, done);
	return write_tree(f, done, w);
}

void c_body(struct c_function *f, struct c_lines *out)
{
	f->out = out;
	f->depth = 1;
	c_declare(f);
	write_tree(f, 0, (struct flow){ .next = C_NONE, .loop = C_NONE });
}
