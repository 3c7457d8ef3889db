/* Makes BTF, record by record: for the fake machine and for the tests of the reader. */
#ifndef MEMQL_BTF_MAKER_H
#define MEMQL_BTF_MAKER_H

#include <stddef.h>
#include <stdint.h>

#include <linux/btf.h>

struct arena;

struct btf_record {
	uint32_t kind, flag, name;
	uint32_t size; /* or the id of a type */
	uint32_t count;
	struct {
		uint32_t *items;
		size_t n, cap;
	} words; /* what follows */
};

/* All of it is in the arena; records may be changed until the bytes are made. */
struct btf_maker {
	struct arena *arena;
	uint32_t first;       /* id of the first record: 1, or the end of a base */
	uint32_t string_base; /* offset of the first string */
	struct {
		struct btf_record *items;
		size_t n, cap;
	} records;
	struct {
		char *items;
		size_t n, cap;
	} strings;
};

/* With a base, the ids and strings continue those of the base as it is now. */
struct btf_maker *btf_maker_new(struct arena *a, const struct btf_maker *base);

/* The offset of a text; 0 for "". */
uint32_t btf_maker_string(struct btf_maker *m, const char *text);

/* A record without items: its id. size may be the id of a type. */
uint32_t btf_maker_add(struct btf_maker *m, uint32_t kind, const char *name,
		       uint32_t size);
struct btf_record *btf_maker_record(struct btf_maker *m, uint32_t id);

/* A word that follows the record. */
void btf_maker_word(struct btf_maker *m, uint32_t id, uint32_t word);
/* One more of its items, which is these words; 2 of them, or 3. */
void btf_maker_item2(struct btf_maker *m, uint32_t id, uint32_t w0, uint32_t w1);
void btf_maker_item3(struct btf_maker *m, uint32_t id, uint32_t w0, uint32_t w1,
		     uint32_t w2);

/* Frequent records whole. */
uint32_t btf_maker_int(struct btf_maker *m, const char *name, uint32_t size,
		       uint32_t encoding);
uint32_t btf_maker_array(struct btf_maker *m, uint32_t of, uint32_t count);

/* The file as the kernel would show it, in the arena. */
void *btf_maker_bytes(const struct btf_maker *m, size_t *size);

#endif
