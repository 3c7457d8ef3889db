/* What is read of ELF files: symbols, and <sys/sdt.h>'s notes. 64 bits, as they are here. */
#include "host.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <gelf.h>

Elf *places_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	elf_version(EV_CURRENT);
	return fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP, NULL);
}

static Elf_Scn *find_section(Elf *elf, const char *name)
{
	Elf_Scn *s = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((s = elf_nextscn(elf, s)))
		if (!strcmp(elf_strptr(elf, names, elf64_getshdr(s)->sh_name), name))
			break;
	return s;
}

static void add(Elf *elf, struct places *out, uint64_t address)
{
	const Elf64_Phdr *segments = elf64_getphdr(elf);
	size_t n;

	elf_getphdrnum(elf, &n);
	for (size_t i = 0; i < n; i++) {
		const Elf64_Phdr *s = &segments[i];

		if (s->p_type == PT_LOAD && s->p_flags & PF_X &&
		    address >= s->p_vaddr && address < s->p_vaddr + s->p_memsz)
			out->offsets[out->n++] = address - s->p_vaddr + s->p_offset;
	}
}

int places_functions(Elf *elf, const char *name, struct places *out)
{
	size_t prefix = strcspn(name, "*"), length = prefix + !name[prefix];
	Elf_Scn *section = find_section(elf, ".symtab");
	const Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	size_t n = data ? data->d_size / sizeof(Elf64_Sym) : 0;

	*out = (struct places){ malloc(n * sizeof(*out->offsets)), 0 };
	for (size_t i = 0; i < n; i++) {
		const Elf64_Sym *s = (const Elf64_Sym *)data->d_buf + i;
		size_t strings = elf64_getshdr(section)->sh_link;

		if (ELF64_ST_TYPE(s->st_info) == STT_FUNC &&
		    !strncmp(elf_strptr(elf, strings, s->st_name), name, length))
			add(elf, out, s->st_value);
	}
	return out->n ? 0 : -1;
}

static bool is_note_of(const char *texts, const char *name)
{
	size_t provider = strlen(texts);

	return !strncmp(texts, name, provider) && name[provider] == ':' &&
	       !strcmp(texts + provider + 1, name + provider + 1);
}

/*
 * A note's description: the probe's address, that of .stapsdt.base when it was linked, that
 * of a semaphore, which load.c's have not; then provider, name, and arguments as texts.
 */
int places_usdt(Elf *elf, const char *name, struct places *out)
{
	Elf_Scn *notes = find_section(elf, ".note.stapsdt");
	Elf_Scn *base = find_section(elf, ".stapsdt.base");
	Elf_Data *data = notes && base ? elf_getdata(notes, NULL) : NULL;
	size_t at = 0, name_at, words_at;
	GElf_Nhdr note;

	*out = (struct places){ data ? malloc(data->d_size) : NULL, 0 };
	while (data && (at = gelf_getnote(data, at, &note, &name_at, &words_at))) {
		const char *words = (const char *)data->d_buf + words_at;
		uint64_t addresses[3];

		memcpy(addresses, words, sizeof(addresses));
		if (is_note_of(words + sizeof(addresses), name))
			add(elf, out,
			    addresses[0] + elf64_getshdr(base)->sh_addr - addresses[1]);
	}
	return out->n ? 0 : -1;
}
