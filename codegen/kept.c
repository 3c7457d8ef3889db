/*
 * Images that earlier compilations left in the cache: with one, LLVM is not even started.
 *
 * Code is a function of the program's text, the options, and what the target answered. The
 * first two are kept and compared as they are; of the answers a sum is, and the features.
 */
#include <string.h>

#include "codegen/internal.h"
#include "core/arena.h"
#include "core/object_cache.h"
#include "sema/target.h"

/* Bytes that are put together, or taken apart again. */
struct bytes {
	struct arena *arena;
	unsigned char *items;
	size_t n, cap;
};

/* What is kept: this, the ELF file, a struct of each program, losses. */
struct kept {
	uint64_t asked, had;
	uint64_t elf_size; /* up to the next multiple of 8 */
	uint64_t nprograms, nlosses;
};

struct kept_program {
	uint32_t sleepable, demoted;
};

struct kept_loss {
	uint32_t kind, line;
	uint32_t subject, file; /* bytes with NUL, which follow; 0: NULL */
};

static size_t round_up(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

static void put(struct bytes *b, const void *from, size_t size)
{
	size_t cap = b->cap ? b->cap : 4096;

	while (cap < b->n + size)
		cap *= 2;
	if (cap != b->cap) {
		unsigned char *larger = arena_alloc(b->arena, cap);

		if (b->n)
			memcpy(larger, b->items, b->n);
		b->items = larger;
		b->cap = cap;
	}
	if (size)
		memcpy(b->items + b->n, from, size);
	b->n += size;
}

static void put_number(struct bytes *b, uint64_t n)
{
	put(b, &n, sizeof(n));
}

static uint32_t text_size(const char *text)
{
	return text ? (uint32_t)strlen(text) + 1 : 0;
}

static void put_text(struct bytes *b, const char *text)
{
	put_number(b, text_size(text));
	put(b, text, text_size(text));
}

static void put_options(struct bytes *b, const struct compile_options *o)
{
	put_number(b, (uint64_t)o->nargs);
	for (int i = 0; i < o->nargs; i++)
		put_text(b, o->args[i]);
	put_number(b, (uint64_t)o->pid);
	put_number(b, o->max_strlen);
	put_number(b, o->has_command);
	put_number(b, o->dry_run);
	put_number(b, o->unsafe);
	put_text(b, o->packs);
}

struct image_key image_key(const struct compile *cc)
{
	struct answers answers = listener_answers(cc->options.listener);
	struct bytes b = { .arena = cc->arena };
	const struct source *s = cc->source;

	put(&b, answers.sum, sizeof(answers.sum));
	put(&b, answers.types, sizeof(answers.types));
	put_options(&b, &cc->options);
	put_text(&b, s->name);
	for (size_t i = 0; i < s->nfiles; i++) {
		put_text(&b, s->files[i].name);
		put_number(&b, s->files[i].text.end);
	}
	put(&b, s->text, s->len);
	return (struct image_key){ b.items, b.n, answers };
}

/* The next size bytes, or NULL: there are fewer. */
static const void *take(struct bytes *b, size_t size)
{
	const void *at = b->items + b->n;

	if (size > b->cap - b->n)
		return NULL;
	b->n += size;
	return at;
}

static bool take_text(struct bytes *b, size_t size, const char **out)
{
	const char *text = take(b, size);

	*out = size ? text : NULL;
	return text && (!size || !text[size - 1]);
}

static const struct image_loss *take_losses(struct bytes *b, size_t n)
{
	struct image_loss *losses = ARENA_ARRAY(b->arena, struct image_loss, n);

	for (size_t i = 0; i < n; i++) {
		struct kept_loss l;
		const void *at = take(b, sizeof(l));

		if (!at)
			return NULL;
		memcpy(&l, at, sizeof(l));
		losses[i].kind = (enum loss_kind)l.kind;
		losses[i].line = l.line;
		if (l.kind >= LOSS_COUNT ||
		    !take_text(b, l.subject, &losses[i].subject) ||
		    !take_text(b, l.file, &losses[i].file))
			return NULL;
	}
	return losses;
}

static bool same_features(const struct target *t, const struct kept *k)
{
	for (unsigned f = 0; f < FEATURE_COUNT; f++)
		if ((k->asked >> f & 1) &&
		    t->ops->has(t, (enum feature)f) != (k->had >> f & 1))
			return false;
	return true;
}

bool image_find(struct compile *cc, const struct image_key *key)
{
	struct object_cache *cache = cc->options.cache;
	struct bytes b = { .arena = cc->arena };
	const struct kept_program *programs;
	const struct image_loss *losses;
	const struct kept *k;
	const void *elf;

	b.items = (unsigned char *)cache->find(cache, cc->arena, key->bytes, key->size,
					       &b.cap);
	k = b.items ? take(&b, sizeof(*k)) : NULL;
	if (!k || k->nprograms != cc->plan->programs.n || k->nlosses > b.cap ||
	    !same_features(cc->target, k))
		return false;
	elf = take(&b, round_up(k->elf_size));
	programs = elf ? take(&b, k->nprograms * sizeof(*programs)) : NULL;
	losses = programs ? take_losses(&b, k->nlosses) : NULL;
	if (!losses)
		return false;
	for (size_t i = 0; i < k->nprograms; i++) {
		cc->plan->programs.items[i]->sleepable = programs[i].sleepable;
		cc->plan->programs.items[i]->demoted = programs[i].demoted;
	}
	cc->image = image_new(cc, elf, k->elf_size, losses, k->nlosses);
	return true;
}

static void put_losses(struct bytes *b, const struct image *img)
{
	for (size_t i = 0; i < img->nlosses; i++) {
		const struct image_loss *l = &img->losses[i];
		const struct kept_loss out = { l->kind, l->line, text_size(l->subject),
					       text_size(l->file) };

		put(b, &out, sizeof(out));
		put(b, l->subject, out.subject);
		put(b, l->file, out.file);
	}
}

void image_keep(const struct compile *cc, const struct image_key *key)
{
	struct answers now = listener_answers(cc->options.listener);
	const struct image *img = cc->image;
	const struct kept k = { now.asked, now.had, img->elf_size, img->nprograms,
				img->nlosses };
	struct bytes b = { .arena = cc->arena };
	struct object_cache *cache = cc->options.cache;

	/* The key has no answers that came while code was generated, but the kernel. */
	if (memcmp(now.sum, key->answers.sum, sizeof(now.sum)) != 0)
		return;
	put(&b, &k, sizeof(k));
	put(&b, img->elf, img->elf_size);
	put(&b, "\0\0\0\0\0\0\0", round_up(img->elf_size) - img->elf_size);
	for (size_t i = 0; i < img->nprograms; i++) {
		const struct kept_program p = { img->programs[i].sleepable,
						img->programs[i].demoted };

		put(&b, &p, sizeof(p));
	}
	put_losses(&b, img);
	cache->keep(cache, key->bytes, key->size, b.items, b.n);
}
