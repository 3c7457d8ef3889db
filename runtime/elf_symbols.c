/*
 * Functions from .symtab (all of them, if the file is not stripped) and .dynsym (those
 * that other files may use, with versions).
 */
#include "runtime/elf_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Why no probe can sit on a symbol; read after its name. */
static const char why_undefined[] =
	"is defined in another file: probe it in the library that has it";
static const char why_ifunc[] =
	"is chosen among several functions when the program starts (IFUNC): probe one "
	"of those";
static const char why_no_code[] = "lies in no executable segment";

const char *elf_text_at(const char *texts, size_t size, size_t offset)
{
	return offset < size ? texts + offset : NULL;
}

static bool linked_texts(struct elf_file *f, const Elf64_Shdr *header,
			 const char **texts, size_t *size)
{
	struct elf_section s = { .scn = elf_getscn(f->elf, header->sh_link) };

	s.header = s.scn ? elf64_getshdr(s.scn) : NULL;
	if (!s.header || s.header->sh_type != SHT_STRTAB ||
	    !elf_section_bytes(&s, (const uint8_t **)texts, size))
		return false;
	/* Every text ends within the table. */
	while (*size > 0 && (*texts)[*size - 1])
		--*size;
	return true;
}

static bool aligned(const void *p)
{
	return (uintptr_t)p % sizeof(uint64_t) == 0;
}

/* Where versions are missing or broken, symbols have none. */
static void read_versions(struct elf_file *f, struct elf_table *t)
{
	struct elf_section s = { 0 };
	const uint8_t *bytes;
	size_t size;

	while (elf_section_next(f, &s)) {
		if (s.header->sh_type == SHT_GNU_versym &&
		    elf_section_bytes(&s, &bytes, &size) &&
		    size / sizeof(Elf64_Versym) >= t->n &&
		    (uintptr_t)bytes % sizeof(Elf64_Versym) == 0)
			t->versym = (const Elf64_Versym *)bytes;
		if (s.header->sh_type == SHT_GNU_verdef &&
		    elf_section_bytes(&s, &bytes, &size) &&
		    linked_texts(f, s.header, &t->version_names,
				 &t->version_names_size)) {
			t->verdef = bytes;
			t->verdef_size = size;
		}
	}
}

bool elf_table_read(struct elf_file *f, const struct elf_section *s,
		    struct elf_table *t)
{
	const uint8_t *bytes;
	size_t size;

	memset(t, 0, sizeof(*t));
	if (s->header->sh_type != SHT_SYMTAB && s->header->sh_type != SHT_DYNSYM)
		return false;
	if (!elf_section_bytes(s, &bytes, &size) || !aligned(bytes) ||
	    !linked_texts(f, s->header, &t->names, &t->names_size))
		return false;
	t->symbols = (const Elf64_Sym *)bytes;
	t->n = size / sizeof(*t->symbols);
	if (s->header->sh_type == SHT_DYNSYM)
		read_versions(f, t);
	return true;
}

/* The name of a version by its index in the table of definitions. */
static const char *version_name(const struct elf_table *t, unsigned index)
{
	size_t at = 0;

	while (t->verdef && t->verdef_size - at >= sizeof(Elf64_Verdef)) {
		Elf64_Verdef def;
		Elf64_Verdaux aux;

		memcpy(&def, t->verdef + at, sizeof(def));
		if ((def.vd_ndx & 0x7fffu) == index) {
			if (def.vd_aux > t->verdef_size - at ||
			    t->verdef_size - at - def.vd_aux < sizeof(aux))
				return NULL;
			memcpy(&aux, t->verdef + at + def.vd_aux, sizeof(aux));
			return elf_text_at(t->version_names, t->version_names_size,
					   aux.vda_name);
		}
		if (def.vd_next == 0 || def.vd_next > t->verdef_size - at)
			return NULL;
		at += def.vd_next;
	}
	return NULL;
}

/*
 * .dynsym has versions in a table of their own; in .symtab they are part of the name,
 * which is cut there (the image is our private copy).
 */
static void set_version(const struct elf_table *t, size_t i, char *name,
			struct target_symbol *out)
{
	char *at = strchr(name, '@');

	out->is_default = true;
	if (t->versym) {
		unsigned index = t->versym[i] & 0x7fffu;

		/* 0 and 1: local, or global without a version. */
		if (index > 1)
			out->version = version_name(t, index);
		if (out->version)
			out->is_default = !(t->versym[i] & 0x8000u);
	} else if (at && at != name) {
		out->is_default = at[1] == '@';
		out->version = at + (out->is_default ? 2 : 1);
		*at = '\0';
	}
}

/* False if the symbol is not a function's. */
static bool describe(const struct elf_file *f, const struct elf_table *t, size_t i,
		     struct target_symbol *out)
{
	const Elf64_Sym *sym = &t->symbols[i];
	unsigned type = ELF64_ST_TYPE(sym->st_info);
	const char *name;
	uint64_t left;

	if (type != STT_FUNC && type != STT_GNU_IFUNC)
		return false;
	name = elf_text_at(t->names, t->names_size, sym->st_name);
	if (!name || !*name)
		return false;

	memset(out, 0, sizeof(*out));
	out->name = name;
	out->address = sym->st_value;
	out->size = sym->st_size;
	set_version(t, i, (char *)name, out);
	if (sym->st_shndx == SHN_UNDEF)
		out->why = why_undefined;
	else if (type == STT_GNU_IFUNC)
		out->why = why_ifunc;
	else if (!elf_file_offset(f, out->address, true, &out->offset, &left))
		out->why = why_no_code;
	return true;
}

static int add_table(struct elf_file *f, const struct elf_table *t)
{
	struct target_symbol *more;
	size_t i;

	more = reallocarray(f->symbols, f->nsymbols + t->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	f->symbols = more;
	for (i = 0; i < t->n; i++)
		if (describe(f, t, i, &f->symbols[f->nsymbols]))
			f->nsymbols++;
	return 0;
}

/* By name; then what can be probed, by address; then what has a version and a size. */
static int compare_symbols(const void *a, const void *b)
{
	const struct target_symbol *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	if (c)
		return c;
	if (!x->why != !y->why)
		return x->why ? 1 : -1;
	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (!x->version != !y->version)
		return x->version ? -1 : 1;
	if (x->version && strcmp(x->version, y->version) != 0)
		return strcmp(x->version, y->version);
	return (x->size < y->size) - (x->size > y->size);
}

static bool same_symbol(const struct target_symbol *a, const struct target_symbol *b)
{
	if (a->address != b->address || strcmp(a->name, b->name) != 0)
		return false;
	/* .symtab may leave out what .dynsym has. */
	return !a->version || !b->version || strcmp(a->version, b->version) == 0;
}

/* The symbols of one name, from first on: [first, end). Returns how many were kept. */
static size_t merge_name(struct target_symbol *first, struct target_symbol *end,
			 struct target_symbol *out)
{
	struct target_symbol *s, *kept = out;
	bool any_size = false, any_default = false;

	for (s = first; s < end; s++)
		any_size |= s->size > 0 && !s->why;
	for (s = first; s < end; s++) {
		/* An undefined twin of a defined one tells nothing. */
		if (s->why == why_undefined && kept > out)
			continue;
		/* Old versions kept as empty entries lead to no code of their own. */
		if (!s->why && any_size && s->size == 0)
			continue;
		if (kept > out && same_symbol(kept - 1, s)) {
			kept[-1].is_default |= s->is_default;
			continue;
		}
		*kept++ = *s;
	}
	for (s = out; s < kept; s++)
		any_default |= s->is_default;
	/* Only old versions: without a version, the name means all of them. */
	for (s = out; s < kept && !any_default; s++)
		s->is_default = true;
	return (size_t)(kept - out);
}

/* A symbol in a hash table of names. */
struct link {
	uint32_t hash;
	uint32_t next; /* index of a later one in the same bucket, or NO_LINK */
	bool taken;
};
enum { NO_LINK = UINT32_MAX };

static uint32_t hash_name(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}

static void link_names(const struct target_symbol *all, size_t n, struct link *links,
		       uint32_t *heads, uint32_t mask)
{
	size_t i;

	memset(heads, 0xff, ((size_t)mask + 1) * sizeof(*heads));
	for (i = n; i-- > 0;) {
		uint32_t hash = hash_name(all[i].name), *head = &heads[hash & mask];

		links[i] = (struct link){ .hash = hash, .next = *head };
		*head = (uint32_t)i;
	}
}

/* The same symbols, those of one name side by side: NULL if memory ran out. */
static struct target_symbol *group_by_name(const struct target_symbol *all, size_t n)
{
	uint32_t mask = 15;
	struct target_symbol *out;
	struct link *links;
	uint32_t *heads;
	size_t i, k, end = 0;

	while (mask < n)
		mask = 2 * mask + 1;
	out = reallocarray(NULL, n, sizeof(*out));
	links = reallocarray(NULL, n, sizeof(*links));
	heads = reallocarray(NULL, (size_t)mask + 1, sizeof(*heads));
	if (!out || !links || !heads) {
		free(out);
		out = NULL;
		goto done;
	}
	link_names(all, n, links, heads, mask);
	for (i = 0; i < n; i++) {
		for (k = i; k != NO_LINK && !links[i].taken; k = links[k].next) {
			if (k != i && (links[k].hash != links[i].hash ||
				       strcmp(all[k].name, all[i].name) != 0))
				continue;
			out[end++] = all[k];
			links[k].taken = k != i;
		}
	}
done:
	free(links);
	free(heads);
	return out;
}

static int merge_symbols(struct elf_file *f)
{
	struct target_symbol *all = group_by_name(f->symbols, f->nsymbols);
	size_t first, end, n = 0;

	if (!all)
		return -ENOMEM;
	for (first = 0; first < f->nsymbols; first = end) {
		for (end = first + 1; end < f->nsymbols; end++)
			if (strcmp(all[first].name, all[end].name) != 0)
				break;
		if (end - first > 1)
			qsort(all + first, end - first, sizeof(*all), compare_symbols);
		n += merge_name(all + first, all + end, all + n);
	}
	free(f->symbols);
	f->symbols = all;
	f->nsymbols = n;
	return 0;
}

static int read_symbols(struct elf_file *f)
{
	struct elf_section s = { 0 };
	struct elf_table t;
	int err = 0;

	while (!err && elf_section_next(f, &s))
		if (elf_table_read(f, &s, &t))
			err = add_table(f, &t);
	if (!err && f->nsymbols > 0)
		err = merge_symbols(f);
	if (err)
		f->nsymbols = 0;
	return err;
}

int elf_file_symbols(struct elf_file *f, const struct target_symbol **out, size_t *n)
{
	if (!f->has_symbols) {
		int err = read_symbols(f);

		if (err)
			return err;
		f->has_symbols = true;
	}
	*out = f->symbols;
	*n = f->nsymbols;
	return 0;
}

static bool is_data(const Elf64_Sym *sym)
{
	unsigned type = ELF64_ST_TYPE(sym->st_info);

	return sym->st_shndx != SHN_UNDEF && sym->st_shndx != SHN_ABS &&
	       (type == STT_OBJECT || type == STT_NOTYPE || type == STT_COMMON);
}

int elf_file_data_address(struct elf_file *f, const char *name, uint64_t *address,
			  uint64_t *size)
{
	struct elf_section s = { 0 };
	struct elf_table t;
	size_t i, len = strlen(name);

	while (elf_section_next(f, &s)) {
		if (!elf_table_read(f, &s, &t))
			continue;
		for (i = 0; i < t.n; i++) {
			const Elf64_Sym *sym = &t.symbols[i];
			const char *text = is_data(sym)
						   ? elf_text_at(t.names, t.names_size,
								 sym->st_name)
						   : NULL;

			/* In .symtab a version may follow. */
			if (!text || strncmp(text, name, len) != 0 ||
			    (text[len] && text[len] != '@'))
				continue;
			*address = sym->st_value;
			*size = sym->st_size;
			return 0;
		}
	}
	return -ENOENT;
}
