#include "tests/btf_maker.h"

#include <string.h>

#include "core/arena.h"

struct btf_maker *btf_maker_new(struct arena *a, const struct btf_maker *base)
{
	struct btf_maker *m = ARENA_NEW(a, struct btf_maker);

	m->arena = a;
	m->first = 1;
	if (base) {
		m->first = base->first + (uint32_t)base->records.n;
		m->string_base = base->string_base + (uint32_t)base->strings.n;
	} else {
		ARENA_PUSH(a, &m->strings, '\0');
	}
	return m;
}

uint32_t btf_maker_string(struct btf_maker *m, const char *text)
{
	uint32_t at = m->string_base + (uint32_t)m->strings.n;

	if (!*text)
		return 0;
	do
		ARENA_PUSH(m->arena, &m->strings, *text);
	while (*text++);
	return at;
}

uint32_t btf_maker_add(struct btf_maker *m, uint32_t kind, const char *name,
		       uint32_t size)
{
	struct btf_record r = {
		.kind = kind,
		.name = btf_maker_string(m, name),
		.size = size,
	};

	ARENA_PUSH(m->arena, &m->records, r);
	return m->first + (uint32_t)m->records.n - 1;
}

struct btf_record *btf_maker_record(struct btf_maker *m, uint32_t id)
{
	return &m->records.items[id - m->first];
}

void btf_maker_word(struct btf_maker *m, uint32_t id, uint32_t word)
{
	struct btf_record *r = btf_maker_record(m, id);

	ARENA_PUSH(m->arena, &r->words, word);
}

void btf_maker_item2(struct btf_maker *m, uint32_t id, uint32_t w0, uint32_t w1)
{
	btf_maker_record(m, id)->count++;
	btf_maker_word(m, id, w0);
	btf_maker_word(m, id, w1);
}

void btf_maker_item3(struct btf_maker *m, uint32_t id, uint32_t w0, uint32_t w1,
		     uint32_t w2)
{
	btf_maker_item2(m, id, w0, w1);
	btf_maker_word(m, id, w2);
}

uint32_t btf_maker_int(struct btf_maker *m, const char *name, uint32_t size,
		       uint32_t encoding)
{
	uint32_t id = btf_maker_add(m, BTF_KIND_INT, name, size);

	btf_maker_word(m, id, encoding << 24 | size * 8);
	return id;
}

uint32_t btf_maker_array(struct btf_maker *m, uint32_t of, uint32_t count)
{
	uint32_t id = btf_maker_add(m, BTF_KIND_ARRAY, "", 0);

	btf_maker_word(m, id, of);
	btf_maker_word(m, id, of);
	btf_maker_word(m, id, count);
	return id;
}

void *btf_maker_bytes(const struct btf_maker *m, size_t *size)
{
	struct btf_header h = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(h),
		.str_len = (uint32_t)m->strings.n,
	};
	char *bytes, *at;

	for (size_t i = 0; i < m->records.n; i++)
		h.type_len += (uint32_t)(sizeof(struct btf_type) +
					 m->records.items[i].words.n * 4);
	h.str_off = h.type_len;
	*size = sizeof(h) + h.type_len + h.str_len;
	bytes = arena_alloc(m->arena, *size);
	at = mempcpy(bytes, &h, sizeof(h));
	for (size_t i = 0; i < m->records.n; i++) {
		const struct btf_record *r = &m->records.items[i];
		struct btf_type t = {
			.name_off = r->name,
			.info = r->flag << 31 | r->kind << 24 | r->count,
			.size = r->size,
		};

		at = mempcpy(at, &t, sizeof(t));
		if (r->words.n)
			at = mempcpy(at, r->words.items, r->words.n * 4);
	}
	if (m->strings.n)
		memcpy(at, m->strings.items, m->strings.n);
	return bytes;
}
