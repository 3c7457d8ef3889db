/*
 * Symbols are sorted once and flattened: pieces of code in ascending order, each with the
 * symbol that it belongs to, so that one binary search answers. In real files, symbols
 * overlap (aliases, functions with several entries, labels within assembler code) and
 * have gaps (.plt, padding); and in broken ones, they do whatever they can.
 *
 * Names are copied rather than left in the mapped file: to read a mapping of a file that
 * somebody has cut meanwhile, as cp(1) does to what it overwrites, ends the process.
 */
#include "runtime/elf_lookup.h"

#include <errno.h>

#include "runtime/elf_debug.h"
#include "runtime/elf_internal.h"
#include "runtime/must.h"

/* .symtab and .dynsym of the file, .symtab of the debug file. */
enum { MAX_TABLES = 3, OFFSET_BITS = 30 };

static const uint32_t no_name = UINT32_MAX;

/* Code from here up to the next piece; positions count from the lookup's base. */
struct piece {
	uint32_t start;
	uint32_t symbol; /* where the symbol begins */
	uint32_t name;   /* in names, or no_name: a gap */
};

/* An executable segment. */
struct segment {
	uint64_t offset, size, address;
};

struct elf_lookup {
	uint64_t base; /* address of the lowest executable segment */
	struct segment *segments;
	size_t nsegments;
	struct piece *pieces;
	size_t npieces;
	char *names; /* each ends with NUL */
	size_t names_size;
};

struct symbol {
	uint64_t start, end; /* from the base; end == start: as long as its section */
	uint64_t limit;      /* where its section ends */
	uint32_t name;       /* table and offset */
	uint8_t bind, type;
};

/* Symbols while they are collected. */
struct symbols {
	struct symbol *items;
	size_t n;
	uint64_t base;
	const char *names[MAX_TABLES]; /* in mapped files */
	unsigned ntables;
};

static const char *name_at(const struct symbols *all, uint32_t name)
{
	return all->names[name >> OFFSET_BITS] + (name & ((1u << OFFSET_BITS) - 1));
}

/* Executable sections by index, for labels that have no size. */
struct section_ends {
	uint64_t *ends; /* address; 0: not code */
	size_t n;
};

static struct section_ends read_section_ends(struct elf_file *f)
{
	struct section_ends out = { 0 };
	struct elf_section s = { 0 };

	if (elf_getshdrnum(f->elf, &out.n) < 0)
		out.n = 0;
	out.ends = must_calloc(out.n, sizeof(*out.ends));
	while (elf_section_next(f, &s)) {
		size_t i = elf_ndxscn(s.scn);

		if (i < out.n && s.header->sh_flags & SHF_EXECINSTR)
			out.ends[i] = s.header->sh_addr + s.header->sh_size;
	}
	return out;
}

static bool is_code(const Elf64_Sym *sym, const struct section_ends *sections)
{
	unsigned type = ELF64_ST_TYPE(sym->st_info);

	if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
		return false;
	return sym->st_shndx < sections->n && sections->ends[sym->st_shndx];
}

static bool describe(const struct symbols *all, const struct elf_table *t, size_t i,
		     const struct section_ends *sections, struct symbol *out)
{
	const Elf64_Sym *sym = &t->symbols[i];
	const char *name = elf_text_at(t->names, t->names_size, sym->st_name);
	uint64_t start = sym->st_value - all->base, limit;

	if (!is_code(sym, sections) || !name || !*name || *name == '@' ||
	    sym->st_name >= 1u << OFFSET_BITS)
		return false;
	limit = sections->ends[sym->st_shndx] - all->base;
	if (start >= limit || limit > UINT32_MAX)
		return false;
	*out = (struct symbol){
		.start = start,
		.end = sym->st_size > limit - start ? limit : start + sym->st_size,
		.limit = limit,
		.name = all->ntables << OFFSET_BITS | sym->st_name,
		.bind = ELF64_ST_BIND(sym->st_info),
		.type = ELF64_ST_TYPE(sym->st_info),
	};
	return true;
}

static void add_tables(struct symbols *all, struct elf_file *f, bool *has_symtab)
{
	struct section_ends sections = read_section_ends(f);
	struct elf_section s = { 0 };
	struct elf_table t;

	while (all->ntables < MAX_TABLES && elf_section_next(f, &s)) {
		if (!elf_table_read(f, &s, &t))
			continue;
		*has_symtab |= s.header->sh_type == SHT_SYMTAB;
		all->items = must_resize(all->items, all->n + t.n, sizeof(*all->items));
		for (size_t i = 0; i < t.n; i++) {
			if (describe(all, &t, i, &sections, &all->items[all->n]))
				all->n++;
		}
		all->names[all->ntables++] = t.names;
	}
	free(sections.ends);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static size_t underscores(const char *name)
{
	return strspn(name, "_");
}

/* By place; of one place, the best name comes last. */
static int compare_symbols(const void *a, const void *b, void *arg)
{
	const struct symbol *x = a, *y = b;
	const struct symbols *all = arg;
	const char *p, *q;
	int c = compare_numbers(x->start, y->start);

	if (!c)
		c = (x->end > x->start) - (y->end > y->start);
	if (!c)
		c = (x->type != STT_NOTYPE) - (y->type != STT_NOTYPE);
	if (!c)
		c = (x->bind != STB_LOCAL) - (y->bind != STB_LOCAL);
	if (c)
		return c;
	p = name_at(all, x->name);
	q = name_at(all, y->name);
	c = compare_numbers(underscores(q), underscores(p));
	if (!c)
		c = compare_numbers(strlen(q), strlen(p));
	return c ? c : strcmp(q, p);
}

/* While pieces are made: the symbols that the current position is within. */
struct sweep {
	struct elf_lookup *l;
	size_t cap; /* of pieces */
	struct {
		const struct symbol *symbol;
		uint64_t end;
	} *open; /* the one that began last is on top */
	size_t nopen, open_cap;
};

static void begin_piece(struct sweep *w, uint64_t start)
{
	struct elf_lookup *l = w->l;
	struct piece p = { .start = (uint32_t)start, .name = no_name };

	if (w->nopen) {
		const struct symbol *s = w->open[w->nopen - 1].symbol;

		p.symbol = (uint32_t)s->start;
		p.name = s->name;
	}
	if (l->npieces && l->pieces[l->npieces - 1].start == p.start)
		l->npieces--;
	if (l->npieces && l->pieces[l->npieces - 1].name == p.name &&
	    l->pieces[l->npieces - 1].symbol == p.symbol)
		return;
	if (l->npieces == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 64;
		l->pieces = must_resize(l->pieces, w->cap, sizeof(*l->pieces));
	}
	l->pieces[l->npieces++] = p;
}

/* Ends what ends up to a position. */
static void end_symbols(struct sweep *w, uint64_t position)
{
	while (w->nopen && w->open[w->nopen - 1].end <= position) {
		uint64_t end = w->open[w->nopen - 1].end;

		while (w->nopen && w->open[w->nopen - 1].end <= end)
			w->nopen--;
		begin_piece(w, end);
	}
}

static void begin_symbol(struct sweep *w, const struct symbol *s)
{
	bool has_size = s->end > s->start;

	end_symbols(w, s->start);
	if (w->nopen) {
		const struct symbol *top = w->open[w->nopen - 1].symbol;

		/* A label within a function is not a function. */
		if (top->end > top->start && !has_size)
			return;
		/* One without a size ends here. */
		if (top->end == top->start)
			w->nopen--;
	}
	if (w->nopen == w->open_cap) {
		w->open_cap = w->open_cap ? w->open_cap * 2 : 16;
		w->open = must_resize(w->open, w->open_cap, sizeof(*w->open));
	}
	w->open[w->nopen].symbol = s;
	w->open[w->nopen++].end = has_size ? s->end : s->limit;
	begin_piece(w, s->start);
}

static void make_pieces(struct elf_lookup *l, struct symbols *all)
{
	struct sweep w = { .l = l };

	if (all->n == 0)
		return;
	qsort_r(all->items, all->n, sizeof(*all->items), compare_symbols, all);
	for (size_t i = 0; i < all->n; i++)
		begin_symbol(&w, &all->items[i]);
	end_symbols(&w, UINT64_MAX);
	free(w.open);
	l->pieces = must_resize(l->pieces, l->npieces, sizeof(*l->pieces));
}

/* From names in the tables to copies; what is around a nested function is there twice. */
static void copy_names(struct elf_lookup *l, const struct symbols *all)
{
	uint32_t latest = no_name, copy = 0;
	size_t cap = 0;

	for (size_t i = 0; i < l->npieces; i++) {
		struct piece *p = &l->pieces[i];
		const char *name;
		size_t len;

		if (p->name == no_name)
			continue;
		if (p->name != latest) {
			latest = p->name;
			name = name_at(all, p->name);
			len = strcspn(name, "@");
			if (l->names_size + len + 1 > cap) {
				cap = (l->names_size + len + 1) * 2;
				l->names = must_resize(l->names, cap, 1);
			}
			copy = (uint32_t)l->names_size;
			memcpy(l->names + copy, name, len);
			l->names[copy + len] = '\0';
			l->names_size += len + 1;
		}
		/* 4 GB of names: the rest has none. */
		p->name = l->names_size < no_name ? copy : no_name;
	}
	l->names = must_resize(l->names, l->names_size, 1);
}

static void copy_segments(struct elf_lookup *l, const struct elf_file *f)
{
	l->base = UINT64_MAX;
	l->segments = must_calloc(f->nsegments, sizeof(*l->segments));
	for (size_t i = 0; i < f->nsegments; i++) {
		const Elf64_Phdr *p = &f->segments[i];

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		l->segments[l->nsegments++] = (struct segment){
			.offset = p->p_offset,
			.size = p->p_filesz,
			.address = p->p_vaddr,
		};
		if (p->p_vaddr < l->base)
			l->base = p->p_vaddr;
	}
}

int elf_lookup_open(const char *path, const char *name, const char *debug_root,
		    struct elf_lookup **out)
{
	struct elf_file *file, *debug = NULL;
	struct symbols all = { 0 };
	bool has_symtab = false;
	struct elf_lookup *l;
	int err = elf_file_open(path, &file);

	if (err)
		return err;
	l = must_calloc(1, sizeof(*l));
	copy_segments(l, file);
	all.base = l->base;
	add_tables(&all, file, &has_symtab);
	if (!has_symtab && elf_debug_open(file, name, debug_root, &debug) == 0)
		add_tables(&all, debug, &has_symtab);
	make_pieces(l, &all);
	copy_names(l, &all);
	free(all.items);
	elf_file_close(debug);
	elf_file_close(file);
	*out = l;
	return 0;
}

void elf_lookup_close(struct elf_lookup *l)
{
	if (!l)
		return;
	free(l->segments);
	free(l->pieces);
	free(l->names);
	free(l);
}

static bool address_of(const struct elf_lookup *l, uint64_t offset, uint64_t *address)
{
	for (size_t i = 0; i < l->nsegments; i++) {
		const struct segment *s = &l->segments[i];

		if (offset < s->offset || offset - s->offset >= s->size)
			continue;
		*address = offset - s->offset + s->address;
		return true;
	}
	return false;
}

/* The piece at a position, or NULL. */
static const struct piece *find_piece(const struct elf_lookup *l, uint64_t position)
{
	size_t first = 0, n = l->npieces;

	while (n > 0) {
		size_t half = n / 2;

		if (l->pieces[first + half].start <= position) {
			first += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return first ? &l->pieces[first - 1] : NULL;
}

bool elf_lookup_at(const struct elf_lookup *l, uint64_t file_offset,
		   struct elf_place *out)
{
	const struct piece *p;
	uint64_t address;

	if (!address_of(l, file_offset, &address))
		return false;
	p = find_piece(l, address - l->base);
	if (!p || p->name == no_name)
		return false;
	out->name = l->names + p->name;
	out->offset = address - l->base - p->symbol;
	return true;
}

size_t elf_lookup_bytes(const struct elf_lookup *l)
{
	return sizeof(*l) + l->npieces * sizeof(*l->pieces) + l->names_size;
}
