/*
 * Notes of <sys/sdt.h>: type 3, owner "stapsdt"; three addresses (the probe, the link
 * time address of .stapsdt.base, the semaphore or 0), then provider, name and operands.
 * If a tool such as prelink moved the file, .stapsdt.base is not where the note says,
 * and all three are off by the difference.
 */
#include "runtime/elf_internal.h"

#include <errno.h>
#include <string.h>

enum { NOTE_TYPE = 3, NOTE_ADDRESSES = 24 };
static const char owner[] = "stapsdt";

struct note {
	const uint8_t *desc;
	size_t size;
	bool is_usdt;
};

static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* Reads the note at *p and moves on; false at the end, or where it makes no sense. */
static bool next_note(const uint8_t **p, size_t *left, struct note *out)
{
	Elf64_Nhdr h;
	size_t name, desc;

	if (*left < sizeof(h))
		return false;
	memcpy(&h, *p, sizeof(h));
	*p += sizeof(h);
	*left -= sizeof(h);
	name = align4(h.n_namesz);
	if (name > *left || h.n_descsz > *left - name)
		return false;
	out->is_usdt = h.n_type == NOTE_TYPE && h.n_namesz == sizeof(owner) &&
		       memcmp(*p, owner, sizeof(owner)) == 0;
	out->desc = *p + name;
	out->size = h.n_descsz;
	desc = align4(h.n_descsz);
	if (desc > *left - name) /* the last one need not be padded */
		desc = *left - name;
	*p += name + desc;
	*left -= name + desc;
	return true;
}

/* The NUL-terminated text at *p, or NULL. */
static const char *next_text(const uint8_t **p, const uint8_t *end)
{
	const uint8_t *text = *p, *nul = memchr(text, '\0', (size_t)(end - text));

	if (!nul)
		return NULL;
	*p = nul + 1;
	return (const char *)text;
}

static bool read_note(const struct elf_file *f, const struct note *n, uint64_t base,
		      struct target_usdt *out)
{
	const uint8_t *p = n->desc + NOTE_ADDRESSES, *end = n->desc + n->size;
	uint64_t address[3], moved, left;

	if (n->size < NOTE_ADDRESSES)
		return false;
	memcpy(address, n->desc, sizeof(address));
	out->provider = next_text(&p, end);
	out->name = out->provider ? next_text(&p, end) : NULL;
	out->args = out->name ? next_text(&p, end) : NULL;
	if (!out->args || !*out->provider || !*out->name)
		return false;

	moved = base && address[1] ? base - address[1] : 0;
	out->address = address[0] + moved;
	if (!elf_file_offset(f, out->address, true, &out->offset, &left))
		return false;
	out->semaphore_offset = 0;
	/* One outside the file's data cannot be counted up: leave it out. */
	if (address[2] && !elf_file_offset(f, address[2] + moved, false,
					   &out->semaphore_offset, &left))
		out->semaphore_offset = 0;
	return true;
}

int elf_file_usdt(struct elf_file *f,
		  int (*found)(const struct target_usdt *u, void *arg), void *arg)
{
	struct elf_section s;
	struct note note;
	const uint8_t *p;
	uint64_t base = 0;
	size_t left;
	int err;

	if (elf_section_find(f, ".stapsdt.base", &s))
		base = s.header->sh_addr;
	memset(&s, 0, sizeof(s));
	while (elf_section_next(f, &s)) {
		if (s.header->sh_type != SHT_NOTE ||
		    strcmp(s.name, ".note.stapsdt") != 0 ||
		    !elf_section_bytes(&s, &p, &left))
			continue;
		while (next_note(&p, &left, &note)) {
			struct target_usdt u = { 0 };

			if (!note.is_usdt || !read_note(f, &note, base, &u))
				continue;
			err = found(&u, arg);
			if (err)
				return err;
		}
	}
	return 0;
}
