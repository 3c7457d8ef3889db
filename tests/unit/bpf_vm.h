/*
 * Runs the programs of an image without a kernel: an interpreter for the instructions and
 * helpers that memql emits. Addresses are this process's own, so that a sanitizer sees
 * what the kernel's verifier would refuse.
 */
#ifndef MEMQL_BPF_VM_H
#define MEMQL_BPF_VM_H

#include <assert.h>
#include <elf.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/image.h"

enum {
	VM_ENTRIES = 64, /* per map */
	VM_RECORDS = 64,
	VM_MAPS = 32,
	VM_STEPS = 1 << 20,
	VM_HELPERS = 256, /* whose calls are counted */
};

struct vm_map {
	const char *symbol;
	size_t key_size, value_size, max;
	bool is_hash;
	size_t n;
	unsigned char *keys[VM_ENTRIES], *values[VM_ENTRIES];
};

struct vm {
	const struct image *image;
	struct vm_map maps[VM_MAPS];
	size_t nmaps;

	unsigned char *records[VM_RECORDS];
	size_t sizes[VM_RECORDS], nrecords;

	/* What the helpers say. */
	uint64_t pid_tgid, uid_gid, now, cookie;
	uint32_t random;
	char comm[16];
	bool memory_fails; /* reads of user and kernel memory */
	bool not_resident; /* user memory is there only after a copy that may sleep */

	unsigned calls[VM_HELPERS]; /* how often each was called */
};

static inline const Elf64_Shdr *vm_section(const struct image *img, unsigned i)
{
	const unsigned char *elf = img->elf;
	const Elf64_Ehdr *h = img->elf;

	return (const Elf64_Shdr *)(elf + h->e_shoff) + i;
}

static inline const void *vm_content(const struct image *img, const Elf64_Shdr *s)
{
	return (const unsigned char *)img->elf + s->sh_offset;
}

static inline const char *vm_section_name(const struct image *img, unsigned i)
{
	const Elf64_Ehdr *h = img->elf;
	const char *names = vm_content(img, vm_section(img, h->e_shstrndx));

	return names + vm_section(img, i)->sh_name;
}

static inline void vm_add_map(struct vm *vm, const char *symbol, size_t key_size,
			      size_t value_size, size_t max, bool is_hash)
{
	struct vm_map *map = &vm->maps[vm->nmaps++];

	*map = (struct vm_map){ .symbol = symbol,
				.key_size = key_size,
				.value_size = value_size,
				.is_hash = is_hash };
	map->max = max < VM_ENTRIES ? max : VM_ENTRIES;
	for (size_t i = 0; !is_hash && i < map->max; i++)
		map->values[i] = calloc(1, value_size);
}

static inline void vm_open(struct vm *vm, const struct image *img)
{
	*vm = (struct vm){ .image = img };
	vm_add_map(vm, IMAGE_LOSS, 4, 8, img->nlosses + 1, false);
	vm_add_map(vm, IMAGE_SCRATCH, 4, 32768, img->nprograms, false);
	vm_add_map(vm, IMAGE_TASK, 4, 65536, 1, false);
	vm_add_map(vm, IMAGE_RING, 0, 0, 0, false);
	for (size_t i = 0; i < img->nmaps; i++) {
		const struct map_info *m = img->maps[i];
		bool is_hash = m->storage == MAP_HASH || m->storage == MAP_PERCPU_HASH;

		vm_add_map(vm, m->symbol, m->key_size, m->value_size, m->max_entries,
			   is_hash);
	}
}

static inline void vm_drop_records(struct vm *vm)
{
	while (vm->nrecords)
		free(vm->records[--vm->nrecords]);
}

static inline void vm_close(struct vm *vm)
{
	vm_drop_records(vm);
	for (size_t i = 0; i < vm->nmaps; i++) {
		for (size_t k = 0; k < VM_ENTRIES; k++) {
			free(vm->maps[i].keys[k]);
			free(vm->maps[i].values[k]);
		}
	}
}

static inline struct vm_map *vm_map(struct vm *vm, const char *symbol)
{
	for (size_t i = 0; i < vm->nmaps; i++)
		if (strcmp(vm->maps[i].symbol, symbol) == 0)
			return &vm->maps[i];
	return NULL;
}

static inline void *vm_lookup(struct vm_map *map, const void *key)
{
	uint32_t index;

	for (size_t i = 0; map->is_hash && i < map->max; i++)
		if (map->keys[i] && memcmp(map->keys[i], key, map->key_size) == 0)
			return map->values[i];
	if (map->is_hash)
		return NULL;
	memcpy(&index, key, sizeof(index));
	return index < map->max ? map->values[index] : NULL;
}

static inline int64_t vm_update(struct vm_map *map, const void *key, const void *value,
				uint64_t flags)
{
	void *at = vm_lookup(map, key);

	if (at && flags == BPF_NOEXIST)
		return -17;
	for (size_t i = 0; !at && i < map->max; i++) {
		if (map->keys[i])
			continue;
		map->keys[i] = malloc(map->key_size);
		memcpy(map->keys[i], key, map->key_size);
		at = map->values[i] = malloc(map->value_size);
		map->n++;
	}
	if (!at)
		return -7;
	memcpy(at, value, map->value_size);
	return 0;
}

static inline int64_t vm_delete(struct vm_map *map, const void *key)
{
	for (size_t i = 0; i < map->max; i++) {
		if (!map->keys[i] || memcmp(map->keys[i], key, map->key_size) != 0)
			continue;
		free(map->keys[i]);
		free(map->values[i]);
		map->keys[i] = map->values[i] = NULL;
		map->n--;
		return 0;
	}
	return -2;
}

static inline int64_t vm_read(struct vm *vm, const uint64_t *r, bool text, bool user)
{
	char *dst = (char *)r[1];
	const char *src = (const char *)r[3];
	size_t n = 0;

	if (user && (vm->memory_fails || vm->not_resident || src < (char *)4096)) {
		memset(dst, 0, r[2]);
		return -14;
	}
	if (!text) {
		memcpy(dst, src, r[2]);
		return 0;
	}
	while (n < r[2] && (dst[n] = src[n]))
		n++;
	if (n == r[2])
		dst[--n] = '\0';
	return (int64_t)n + 1;
}

static inline int64_t vm_output(struct vm *vm, const uint64_t *r)
{
	assert(vm->nrecords < VM_RECORDS);
	vm->records[vm->nrecords] = malloc(r[3]);
	memcpy(vm->records[vm->nrecords], (void *)r[2], r[3]);
	vm->sizes[vm->nrecords++] = r[3];
	return 0;
}

static inline void *vm_reserve(struct vm *vm, const uint64_t *r)
{
	assert(vm->nrecords < VM_RECORDS);
	vm->sizes[vm->nrecords] = r[2];
	return vm->records[vm->nrecords++] = calloc(1, r[2]);
}

static inline uint64_t vm_call(struct vm *vm, int32_t number, const uint64_t *r)
{
	if (number < VM_HELPERS)
		vm->calls[number]++;
	switch (number) {
	case HELPER_MAP_LOOKUP_ELEM:
		return (uint64_t)vm_lookup((void *)r[1], (void *)r[2]);
	case HELPER_MAP_UPDATE_ELEM:
		return (uint64_t)vm_update((void *)r[1], (void *)r[2], (void *)r[3],
					   r[4]);
	case HELPER_MAP_DELETE_ELEM:
		return (uint64_t)vm_delete((void *)r[1], (void *)r[2]);
	case HELPER_KTIME_GET_NS:
	case HELPER_KTIME_GET_BOOT_NS:
		return vm->now;
	case HELPER_GET_PRANDOM_U32:
		return vm->random;
	case HELPER_GET_SMP_PROCESSOR_ID:
		return 3;
	case HELPER_GET_CURRENT_PID_TGID:
		return vm->pid_tgid;
	case HELPER_GET_CURRENT_UID_GID:
		return vm->uid_gid;
	case HELPER_GET_CURRENT_COMM:
		memcpy((void *)r[1], vm->comm, sizeof(vm->comm));
		return 0;
	case HELPER_PROBE_READ_USER:
		return (uint64_t)vm_read(vm, r, false, true);
	case HELPER_PROBE_READ:
	case HELPER_PROBE_READ_KERNEL:
		return (uint64_t)vm_read(vm, r, false, false);
	case HELPER_PROBE_READ_USER_STR:
		return (uint64_t)vm_read(vm, r, true, true);
	case HELPER_PROBE_READ_STR:
	case HELPER_PROBE_READ_KERNEL_STR:
		return (uint64_t)vm_read(vm, r, true, false);
	case HELPER_COPY_FROM_USER:
		vm->not_resident = false;
		return (uint64_t)vm_read(vm, r, false, true);
	case HELPER_RINGBUF_OUTPUT:
		return (uint64_t)vm_output(vm, r);
	case HELPER_RINGBUF_RESERVE:
		return (uint64_t)vm_reserve(vm, r);
	case HELPER_RINGBUF_SUBMIT:
	case HELPER_RINGBUF_QUERY:
		return 0;
	case HELPER_GET_CURRENT_TASK_BTF:
		return (uint64_t)vm;
	case HELPER_TASK_STORAGE_GET:
		return (uint64_t)((struct vm_map *)r[1])->values[0];
	case HELPER_GET_ATTACH_COOKIE:
		return vm->cookie;
	}
	fprintf(stderr, "unknown helper %d\n", number);
	abort();
}

/* The symbol that the instruction at this offset of a section refers to, or NULL. */
static inline const Elf64_Sym *vm_symbol(const struct vm *vm, unsigned section,
					 uint64_t offset, const char **name)
{
	const struct image *img = vm->image;
	const Elf64_Ehdr *h = img->elf;

	for (unsigned i = 0; i < h->e_shnum; i++) {
		const Elf64_Shdr *s = vm_section(img, i);
		const Elf64_Rel *rel = vm_content(img, s);

		if (s->sh_type != SHT_REL || s->sh_info != section)
			continue;
		for (size_t n = s->sh_size / sizeof(*rel); n; n--, rel++) {
			const Elf64_Shdr *symtab = vm_section(img, s->sh_link);
			const Elf64_Sym *to = vm_content(img, symtab);

			if (rel->r_offset != offset)
				continue;
			to += ELF64_R_SYM(rel->r_info);
			*name = (const char *)vm_content(
					img, vm_section(img, symtab->sh_link)) +
				to->st_name;
			return to;
		}
	}
	return NULL;
}

/* What a 64-bit constant at this offset of a section stands for. */
static inline uint64_t vm_relocate(struct vm *vm, unsigned section, uint64_t offset,
				   uint64_t addend)
{
	const struct image *img = vm->image;
	const char *name;
	const Elf64_Sym *to = vm_symbol(vm, section, offset, &name);

	if (!to)
		return addend;
	if (strcmp(vm_section_name(img, to->st_shndx), ".maps") == 0)
		return (uint64_t)vm_map(vm, name);
	return (uint64_t)vm_content(img, vm_section(img, to->st_shndx)) + to->st_value +
	       addend;
}

static inline uint64_t vm_alu(unsigned op, uint64_t a, uint64_t b, unsigned bits)
{
	unsigned mask = bits - 1;

	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return b ? a / b : 0;
	case BPF_MOD:
		return b ? a % b : a;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & mask);
	case BPF_RSH:
		return a >> (b & mask);
	case BPF_ARSH:
		return bits == 32 ? (uint64_t)((int32_t)a >> (b & mask))
				  : (uint64_t)((int64_t)a >> (b & mask));
	case BPF_NEG:
		return -a;
	case BPF_MOV:
		return b;
	}
	abort();
}

static inline bool vm_test(unsigned op, uint64_t a, uint64_t b, bool narrow)
{
	int64_t sa = narrow ? (int32_t)a : (int64_t)a;
	int64_t sb = narrow ? (int32_t)b : (int64_t)b;

	if (narrow) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	switch (op) {
	case BPF_JA:
		return true;
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return a & b;
	case BPF_JSGT:
		return sa > sb;
	case BPF_JSGE:
		return sa >= sb;
	case BPF_JSLT:
		return sa < sb;
	case BPF_JSLE:
		return sa <= sb;
	}
	abort();
}

static inline unsigned vm_size(const struct bpf_insn *in)
{
	static const unsigned sizes[] = { 4, 2, 1, 8 };

	return sizes[BPF_SIZE(in->code) >> 3];
}

static inline void vm_atomic(const struct bpf_insn *in, uint64_t *r)
{
	uint64_t *at = (uint64_t *)(r[in->dst_reg] + (uint64_t)in->off), old = *at;

	assert(vm_size(in) == 8);
	if (in->imm == BPF_CMPXCHG) {
		if (old == r[0])
			*at = r[in->src_reg];
		r[0] = old;
		return;
	}
	*at = vm_alu((unsigned)(in->imm & ~BPF_FETCH), old, r[in->src_reg], 64);
	if (in->imm & BPF_FETCH)
		r[in->src_reg] = old;
}

static inline void vm_memory(const struct bpf_insn *in, uint64_t *r)
{
	unsigned class = BPF_CLASS(in->code);
	unsigned base = class == BPF_LDX ? in->src_reg : in->dst_reg;
	void *at = (void *)(r[base] + (uint64_t)in->off);
	uint64_t v = class == BPF_ST ? (uint64_t)in->imm : r[in->src_reg];

	if (class == BPF_STX && BPF_MODE(in->code) == BPF_ATOMIC) {
		vm_atomic(in, r);
	} else if (class == BPF_LDX) {
		v = 0;
		memcpy(&v, at, vm_size(in));
		r[in->dst_reg] = v;
	} else {
		memcpy(at, &v, vm_size(in));
	}
}

static inline void vm_compute(const struct bpf_insn *in, uint64_t *r)
{
	bool narrow = BPF_CLASS(in->code) == BPF_ALU;
	uint64_t a = r[in->dst_reg];
	uint64_t b = BPF_SRC(in->code) == BPF_X ? r[in->src_reg] : (uint64_t)in->imm;

	if (narrow) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	a = vm_alu(BPF_OP(in->code), a, b, narrow ? 32 : 64);
	r[in->dst_reg] = narrow ? (uint32_t)a : a;
}

/*
 * A program or function to its end: args are those of a call, r1 to r5. False if it does
 * not end.
 */
static inline bool vm_run_code(struct vm *vm, unsigned section, size_t first,
			       const uint64_t *args, uint64_t *result)
{
	const struct bpf_insn *code =
		vm_content(vm->image, vm_section(vm->image, section));
	uint64_t stack[64], r[11] = { [10] = (uint64_t)(stack + 64) };
	const Elf64_Sym *callee;
	const char *name;
	size_t pc = first;

	memcpy(r + 1, args, 5 * sizeof(*args));

	for (int steps = 0; steps < VM_STEPS; steps++) {
		const struct bpf_insn *in = &code[pc++];
		unsigned class = BPF_CLASS(in->code), op = BPF_OP(in->code);

		if (class == BPF_LD) {
			uint64_t n =
				(uint64_t)(uint32_t)in[1].imm << 32 | (uint32_t)in->imm;

			r[in->dst_reg] =
				vm_relocate(vm, section, (pc - 1) * sizeof(*in), n);
			pc++;
		} else if (class == BPF_ALU || class == BPF_ALU64) {
			vm_compute(in, r);
		} else if (class != BPF_JMP && class != BPF_JMP32) {
			vm_memory(in, r);
		} else if (op == BPF_EXIT) {
			*result = r[0];
			return true;
		} else if (op == BPF_CALL && in->src_reg == BPF_PSEUDO_CALL) {
			callee = vm_symbol(vm, section, (pc - 1) * sizeof(*in), &name);
			if (!vm_run_code(vm, callee->st_shndx,
					 callee->st_value / sizeof(*in), r + 1, r))
				return false;
		} else if (op == BPF_CALL) {
			r[0] = vm_call(vm, in->imm, r);
		} else if (vm_test(op, r[in->dst_reg],
				   BPF_SRC(in->code) == BPF_X ? r[in->src_reg]
							      : (uint64_t)in->imm,
				   class == BPF_JMP32)) {
			pc += (size_t)in->off;
		}
	}
	return false;
}

/* Program number i of the image, with this context. False if it does not end. */
static inline bool vm_run(struct vm *vm, size_t i, void *ctx)
{
	const uint64_t args[5] = { (uint64_t)ctx };
	const struct image *img = vm->image;
	const Elf64_Ehdr *h = img->elf;
	uint64_t result;

	for (unsigned k = 0; k < h->e_shnum; k++) {
		const Elf64_Shdr *s = vm_section(img, k);
		const Elf64_Sym *symbol = vm_content(img, s);
		const char *names;

		if (s->sh_type != SHT_SYMTAB)
			continue;
		names = vm_content(img, vm_section(img, s->sh_link));
		for (size_t n = s->sh_size / sizeof(*symbol); n; n--, symbol++) {
			if (strcmp(names + symbol->st_name, img->programs[i].symbol) !=
			    0)
				continue;
			return vm_run_code(vm, symbol->st_shndx,
					   symbol->st_value / sizeof(struct bpf_insn),
					   args, &result);
		}
	}
	return false;
}

static inline const struct record *vm_record(const struct vm *vm, size_t i)
{
	return i < vm->nrecords ? (const void *)vm->records[i] : NULL;
}

#endif
