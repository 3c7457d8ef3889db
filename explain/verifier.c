/*
 * The verifier's log, level 2: a line for each instruction that it follows, with what it
 * knows of the registers that changed.
 *
 *	5: (85) call bpf_map_lookup_elem#1    ; R0_w=map_value_or_null(id=1,map=mq_x,ks=8,vs=8)
 *
 * is how it looks since Linux 5.16; before that, a line "6: R0_w=... R10=fp0" follows. A
 * program is followed along several paths: the first one is what is shown.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "explain/explain.h"
#include "runtime/verifier.h"

/* "12: (85) call ..." or "12: R0=...": the number, and what follows it. */
static const char *insn_line(const char *line, size_t *index)
{
	char *end;

	if (!isdigit((unsigned char)*line))
		return NULL;
	*index = strtoul(line, &end, 10);
	return end[0] == ':' && end[1] == ' ' ? end + 2 : NULL;
}

static void grow(struct arena *a, struct verifier_log *out, size_t *cap, size_t index)
{
	size_t more = *cap;
	const char **states;

	while (index >= more)
		more = more ? 2 * more : 256;
	if (more > *cap) {
		states = ARENA_ARRAY(a, const char *, more);
		for (size_t i = 0; i < *cap; i++)
			states[i] = out->states[i];
		out->states = states;
		*cap = more;
	}
	if (index >= out->n)
		out->n = index + 1;
}

/* "16+8" */
static void read_stacks(struct arena *a, const char *text, struct verifier_log *out)
{
	char *end;

	out->stacks = ARENA_ARRAY(a, uint32_t, strlen(text));
	for (out->nstacks = 0;; text = end + 1) {
		out->stacks[out->nstacks++] = (uint32_t)strtoul(text, &end, 10);
		if (*end != '+')
			return;
	}
}

struct reading {
	struct arena *a;
	struct verifier_log *out;
	size_t cap, last; /* the instruction whose line was read last */
	bool any;
};

/*
 * Without the frame's address, which is the same on every line, and "_w" and "_rw", marks of
 * the verifier's own.
 */
static const char *shorten(struct arena *a, const char *state)
{
	static const char *const words[] = { " R10=fp0", "R10=fp0", "_rw=", "_w=" };
	char *out = arena_strdup(a, state), *at;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		bool mark = words[i][0] == '_';

		while ((at = strstr(out, words[i]))) {
			size_t n = strlen(words[i]) - mark;

			memmove(at, at + n, strlen(at + n) + 1);
		}
	}
	return out + strspn(out, " ");
}

static void set_state(struct reading *r, size_t index, const char *text, size_t len)
{
	if (!r->out->states[index])
		r->out->states[index] = shorten(r->a, arena_strndup(r->a, text, len));
}

static void read_line(struct reading *r, const char *line, size_t len)
{
	static const char depth[] = "stack depth ";
	const char *copy = arena_strndup(r->a, line, len), *rest, *state;
	size_t index;

	if (strncmp(copy, depth, strlen(depth)) == 0)
		read_stacks(r->a, copy + strlen(depth), r->out);
	rest = insn_line(copy, &index);
	if (rest && index < 1 << 20) {
		grow(r->a, r->out, &r->cap, index);
		if (*rest == '(') {
			state = strstr(rest, " ; ");
			state = state ? state + 3 : NULL;
			r->last = index;
			r->any = true;
			if (state)
				set_state(r, index, state, strlen(state));
			else if (!r->out->states[index])
				r->out->states[index] = "";
		} else if (r->any && index == r->last + 1 &&
			   !*r->out->states[r->last]) {
			r->out->states[r->last] = shorten(r->a, rest);
		}
	}
}

void verifier_log_read(struct arena *a, const char *log, bool refused,
		       struct verifier_log *out)
{
	struct reading r = { .a = a, .out = out };
	const struct verdict verdict = verifier_read(log);
	const struct verifier_row *row;
	size_t n;

	*out = (struct verifier_log){ 0 };
	for (const char *line = log; *line; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		read_line(&r, line, n);
	}
	if (!refused || !verdict.len)
		return;
	out->complaint = arena_strndup(a, verdict.sentence, verdict.len);
	row = verifier_explain(verdict.sentence, verdict.len);
	out->means = row ? row->means : NULL;
	out->at = verdict.insn < 0 ? r.last : (size_t)verdict.insn;
}
