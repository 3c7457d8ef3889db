#include "core/intern.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/arena.h"

struct slot {
	const char *s; /* NULL: free */
	size_t len;
	uint64_t hash;
};

/* Open addressing; at most half full, so that a probe ends soon. */
struct intern {
	struct arena *arena;
	struct slot *slots;
	size_t n, nslots; /* nslots is a power of two */
};

enum { FIRST_SLOTS = 256 };

/* FNV-1a. */
static uint64_t hash_bytes(const char *s, size_t len)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3;
	return h;
}

struct intern *intern_new(struct arena *a)
{
	struct intern *t = ARENA_NEW(a, struct intern);

	t->arena = a;
	t->nslots = FIRST_SLOTS;
	t->slots = ARENA_ARRAY(a, struct slot, t->nslots);
	return t;
}

/* Where these bytes are, or the free slot where they belong. */
static struct slot *find_slot(const struct intern *t, const char *s, size_t len,
			      uint64_t hash)
{
	for (size_t i = hash;; i++) {
		struct slot *slot = &t->slots[i & (t->nslots - 1)];

		if (!slot->s)
			return slot;
		if (slot->hash == hash && slot->len == len &&
		    memcmp(slot->s, s, len) == 0)
			return slot;
	}
}

static void double_slots(struct intern *t)
{
	struct intern larger = *t;

	larger.nslots = t->nslots * 2;
	larger.slots = ARENA_ARRAY(t->arena, struct slot, larger.nslots);
	for (size_t i = 0; i < t->nslots; i++) {
		const struct slot *old = &t->slots[i];

		if (old->s)
			*find_slot(&larger, old->s, old->len, old->hash) = *old;
	}
	*t = larger;
}

const char *intern(struct intern *t, const char *s, size_t len)
{
	uint64_t hash = hash_bytes(s, len);
	struct slot *slot = find_slot(t, s, len, hash);

	if (slot->s)
		return slot->s;
	if (t->n * 2 >= t->nslots) {
		double_slots(t);
		slot = find_slot(t, s, len, hash);
	}
	*slot = (struct slot){ arena_strndup(t->arena, s, len), len, hash };
	t->n++;
	return slot->s;
}

const char *intern_str(struct intern *t, const char *s)
{
	return intern(t, s, strlen(s));
}
