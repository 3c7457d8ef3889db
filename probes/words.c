#include "probes/words.h"

#include "core/arena.h"
#include "core/compile.h"
#include "sema/ctype.h"
#include "sema/type.h"

enum { WORD = 8 };

static bool fits_word(const struct type *t)
{
	return t->kind == TYPE_INT || t->kind == TYPE_PTR;
}

static void place(struct words *w, struct probe_field *f)
{
	f->at.kind = w->kind;
	f->at.index = LOC_NO_REGISTER;
	f->at.base = (int16_t)(w->taken * WORD);
	f->at.value = (int64_t)w->taken;
	f->at.size = f->type->kind == TYPE_INT ? f->type->size : WORD;
	f->at.is_signed = f->type->kind == TYPE_INT && f->type->is_signed;
}

void words_add(struct words *w, const char *name, target_type_id id)
{
	struct arena *a = w->cc->arena;
	const struct type *t = type_at(a, ctype_from_target(w->cc, id), SPACE_KERNEL);
	struct probe_field f = {
		.name = name && *name ? arena_strdup(a, name) : NULL,
		.type = t,
	};
	size_t words = 1;

	if (fits_word(t)) {
		place(w, &f);
	} else {
		f.at.kind = LOC_UNREADABLE;
		f.at.why = arena_printf(a, "it is passed as a whole (%s)",
					type_text(a, t));
		f.type = &type_u64;
		/* A tracepoint gives a word for each, whatever it is. */
		if (w->kind == LOC_ARGUMENT)
			words = (type_c_size(t) + WORD - 1) / WORD;
	}
	w->taken += words;
	ARENA_PUSH(a, w, f);
}

int words_add_param(const struct target_param *p, void *arg)
{
	struct words *w = arg;

	words_add(w, p->name, p->type);
	return 0;
}

void words_add_unknown(struct words *w, size_t n)
{
	while (n--) {
		struct probe_field f = { .type = &type_u64, .hidden = true };

		place(w, &f);
		w->taken++;
		ARENA_PUSH(w->cc->arena, w, f);
	}
}

struct probe_layout words_layout(const struct words *w)
{
	return (struct probe_layout){ .fields = w->items, .n = w->n };
}
