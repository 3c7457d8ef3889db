/*
 * The ELF reader, on a file made here: sections, segments, notes and symbols with every
 * oddity that was met in real files; then on thousands of broken versions of it.
 */
#include "runtime/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* Segments: code is linked 0x10000 above its place in the file, data 0x20000 above. */
enum {
	CODE_OFFSET = 0x1000,
	CODE_ADDRESS = 0x11000,
	DATA_OFFSET = 0x2000,
	DATA_ADDRESS = 0x22000,
	SEGMENT_SIZE = 0x400,
	MOVED = 0x500, /* how far a tool moved the file after its notes were made */
	BASE_NOTED = 0x7000,
};

enum { TEXT = 1, NOTES, BASE, SYMTAB, STRTAB, SHSTRTAB, SECTIONS };
static const char *const section_names[SECTIONS] = {
	"",        ".text",   ".note.stapsdt", ".stapsdt.base",
	".symtab", ".strtab", ".shstrtab",
};

struct image {
	uint8_t bytes[0x4000];
	size_t end; /* of what follows the segments */
	Elf64_Shdr sections[SECTIONS];
	char names[512];
	size_t names_len;
	Elf64_Sym symbols[16];
	size_t nsymbols;
};

static uint32_t add_name(struct image *m, const char *name)
{
	size_t at = m->names_len;

	strcpy(m->names + at, name);
	m->names_len += strlen(name) + 1;
	return (uint32_t)at;
}

static void add_symbol(struct image *m, const char *name, int type, uint64_t value,
		       uint64_t size, uint16_t section)
{
	m->symbols[m->nsymbols++] = (Elf64_Sym){
		.st_name = add_name(m, name),
		.st_info = ELF64_ST_INFO(STB_GLOBAL, type),
		.st_value = value,
		.st_size = size,
		.st_shndx = section,
	};
}

static void add_section(struct image *m, int index, uint32_t type, const void *bytes,
			size_t size)
{
	m->end = (m->end + 15) & ~(size_t)15;
	m->sections[index].sh_type = type;
	m->sections[index].sh_offset = m->end;
	m->sections[index].sh_size = size;
	m->sections[index].sh_addralign = 4;
	memcpy(m->bytes + m->end, bytes, size);
	m->end += size;
}

struct notes {
	uint8_t bytes[1024];
	size_t len;
};

static void add_note(struct notes *n, const char *owner, uint64_t pc,
		     uint64_t semaphore, const char *provider, const char *name,
		     const char *args)
{
	uint64_t addresses[3] = { pc, BASE_NOTED, semaphore };
	size_t texts = strlen(provider) + strlen(name) + strlen(args) + 3;
	Elf64_Nhdr h = { 8, (Elf64_Word)(sizeof(addresses) + texts), 3 };
	uint8_t *p = n->bytes + n->len;

	memcpy(p, &h, sizeof(h));
	memcpy(p + 12, owner, 8);
	memcpy(p + 20, addresses, sizeof(addresses));
	p = (uint8_t *)stpcpy((char *)p + 44, provider) + 1;
	p = (uint8_t *)stpcpy((char *)p, name) + 1;
	strcpy((char *)p, args);
	n->len += 20 + ((h.n_descsz + 3) & ~3u);
}

static void make_notes(struct image *m)
{
	struct notes n = { 0 };
	uint64_t at = CODE_ADDRESS - MOVED;

	add_note(&n, "stapsdt", at + 0x10, DATA_ADDRESS - MOVED + 2, "prov", "one",
		 "-4@%eax");
	add_note(&n, "stapsdt", at + 0x20, 0, "prov", "two", "");
	add_note(&n, "other\0\0", at + 0x30, 0, "prov", "not_ours", "");
	/* Code that the linker dropped, and data that is no code. */
	add_note(&n, "stapsdt", 0xc, 0, "prov", "dropped", "");
	add_note(&n, "stapsdt", DATA_ADDRESS - MOVED, 0, "prov", "in_data", "");
	add_note(&n, "stapsdt", at + 0x10, 0, "prov", "one", "-4@%eax");
	add_section(m, NOTES, SHT_NOTE, n.bytes, n.len);
	add_section(m, BASE, SHT_PROGBITS, "", 1);
	m->sections[BASE].sh_addr = BASE_NOTED + MOVED;
}

static void make_symbols(struct image *m)
{
	add_name(m, "");
	add_symbol(m, "", STT_NOTYPE, 0, 0, SHN_UNDEF);
	add_symbol(m, "plain", STT_FUNC, CODE_ADDRESS, 16, TEXT);
	add_symbol(m, "versioned@OLD", STT_FUNC, CODE_ADDRESS + 16, 16, TEXT);
	add_symbol(m, "versioned@@NEW", STT_FUNC, CODE_ADDRESS + 32, 16, TEXT);
	add_symbol(m, "empty@OLD", STT_FUNC, CODE_ADDRESS + 8, 0, TEXT);
	add_symbol(m, "empty", STT_FUNC, CODE_ADDRESS + 48, 16, TEXT);
	add_symbol(m, "only_old@V1", STT_FUNC, CODE_ADDRESS + 64, 16, TEXT);
	add_symbol(m, "twice", STT_FUNC, CODE_ADDRESS + 80, 16, TEXT);
	add_symbol(m, "twice", STT_FUNC, CODE_ADDRESS + 80, 16, TEXT);
	add_symbol(m, "imported", STT_FUNC, 0, 0, SHN_UNDEF);
	add_symbol(m, "chosen", STT_GNU_IFUNC, CODE_ADDRESS + 96, 16, TEXT);
	add_symbol(m, "nowhere", STT_FUNC, 0x900000, 16, TEXT);
	add_symbol(m, "counter", STT_OBJECT, DATA_ADDRESS + 0x40, 4, TEXT);
	add_section(m, SYMTAB, SHT_SYMTAB, m->symbols,
		    m->nsymbols * sizeof(m->symbols[0]));
	m->sections[SYMTAB].sh_link = STRTAB;
	m->sections[SYMTAB].sh_entsize = sizeof(Elf64_Sym);
	m->sections[SYMTAB].sh_info = 1;
	m->sections[SYMTAB].sh_addralign = 8;
	add_section(m, STRTAB, SHT_STRTAB, m->names, m->names_len);
}

static Elf64_Phdr make_segment(uint32_t flags, uint64_t offset, uint64_t address)
{
	return (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = flags,
		.p_offset = offset,
		.p_vaddr = address,
		.p_paddr = address,
		.p_filesz = SEGMENT_SIZE,
		.p_memsz = 2 * SEGMENT_SIZE,
		.p_align = 0x1000,
	};
}

static void make_image(struct image *m)
{
	Elf64_Ehdr h = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			     ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(h),
		.e_ehsize = sizeof(h),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTIONS,
		.e_shstrndx = SHSTRTAB,
	};
	Elf64_Phdr segments[2] = {
		make_segment(PF_R | PF_X, CODE_OFFSET, CODE_ADDRESS),
		make_segment(PF_R | PF_W, DATA_OFFSET, DATA_ADDRESS),
	};
	char names[256] = "";
	size_t len = 1;
	int i;

	memset(m, 0, sizeof(*m));
	memcpy(m->bytes + CODE_OFFSET + 4, "code", 4);
	m->end = 0x3000;
	for (i = 1; i < SECTIONS; i++) {
		m->sections[i].sh_name = (Elf64_Word)len;
		strcpy(names + len, section_names[i]);
		len += strlen(section_names[i]) + 1;
	}
	m->sections[TEXT].sh_type = SHT_PROGBITS;
	m->sections[TEXT].sh_offset = CODE_OFFSET;
	m->sections[TEXT].sh_size = SEGMENT_SIZE;
	make_notes(m);
	make_symbols(m);
	add_section(m, SHSTRTAB, SHT_STRTAB, names, len);
	m->end = (m->end + 15) & ~(size_t)15;
	h.e_shoff = m->end;
	memcpy(m->bytes + m->end, m->sections, sizeof(m->sections));
	m->end += sizeof(m->sections);
	memcpy(m->bytes, &h, sizeof(h));
	memcpy(m->bytes + sizeof(h), segments, sizeof(segments));
}

/* The image as a file without a name. */
struct file {
	int fd;
	char path[64];
};

static struct file make_file(void)
{
	struct file f = { .fd = memfd_create("elf", MFD_CLOEXEC) };

	snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d", f.fd);
	return f;
}

static void write_file(const struct file *f, const uint8_t *bytes, size_t size)
{
	CHECK(ftruncate(f->fd, 0) == 0);
	CHECK_INT_EQ(pwrite(f->fd, bytes, size, 0), size);
}

static const struct target_symbol *find(const struct target_symbol *all, size_t n,
					const char *name, const char *version)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(all[i].name, name) == 0 &&
		    (!version ||
		     (all[i].version && strcmp(all[i].version, version) == 0)))
			return &all[i];
	return NULL;
}

static size_t count(const struct target_symbol *all, size_t n, const char *name)
{
	size_t i, found = 0;

	for (i = 0; i < n; i++)
		found += strcmp(all[i].name, name) == 0;
	return found;
}

static void check_symbols(struct elf_file *f)
{
	const struct target_symbol *all, *s;
	uint64_t address, size;
	size_t n;

	CHECK_INT_EQ(elf_file_symbols(f, &all, &n), 0);
	s = find(all, n, "plain", NULL);
	if (CHECK(s)) {
		CHECK_INT_EQ(s->address, CODE_ADDRESS);
		CHECK_INT_EQ(s->offset, CODE_OFFSET);
		CHECK_INT_EQ(s->size, 16);
		CHECK(s->is_default && !s->version && !s->why);
	}
	s = find(all, n, "versioned", "OLD");
	CHECK(s && !s->is_default && s->offset == CODE_OFFSET + 16);
	s = find(all, n, "versioned", "NEW");
	CHECK(s && s->is_default && s->offset == CODE_OFFSET + 32);
	CHECK_INT_EQ(count(all, n, "empty"), 1);
	s = find(all, n, "empty", NULL);
	CHECK(s && s->is_default && s->offset == CODE_OFFSET + 48);
	s = find(all, n, "only_old", "V1");
	CHECK(s && s->is_default);
	CHECK_INT_EQ(count(all, n, "twice"), 1);
	s = find(all, n, "imported", NULL);
	CHECK(s && s->why && strstr(s->why, "another file"));
	s = find(all, n, "chosen", NULL);
	CHECK(s && s->why && strstr(s->why, "IFUNC"));
	s = find(all, n, "nowhere", NULL);
	CHECK(s && s->why && strstr(s->why, "segment"));
	CHECK(!find(all, n, "counter", NULL));

	CHECK_INT_EQ(elf_file_data_address(f, "counter", &address, &size), 0);
	CHECK_INT_EQ(address, DATA_ADDRESS + 0x40);
	CHECK_INT_EQ(elf_file_data_address(f, "plain", &address, &size), -ENOENT);
	CHECK_INT_EQ(elf_file_data_address(f, "count", &address, &size), -ENOENT);
}

struct probes {
	struct target_usdt items[8];
	size_t n;
};

static int keep(const struct target_usdt *u, void *arg)
{
	struct probes *p = arg;

	if (p->n < 8)
		p->items[p->n++] = *u;
	return 0;
}

static void check_usdt(struct elf_file *f)
{
	struct probes p = { .n = 0 };

	CHECK_INT_EQ(elf_file_usdt(f, keep, &p), 0);
	if (!CHECK_INT_EQ(p.n, 3))
		return;
	CHECK_STR_EQ(p.items[0].provider, "prov");
	CHECK_STR_EQ(p.items[0].name, "one");
	CHECK_STR_EQ(p.items[0].args, "-4@%eax");
	CHECK_INT_EQ(p.items[0].address, CODE_ADDRESS + 0x10);
	CHECK_INT_EQ(p.items[0].offset, CODE_OFFSET + 0x10);
	CHECK_INT_EQ(p.items[0].semaphore_offset, DATA_OFFSET + 2);
	CHECK_STR_EQ(p.items[1].name, "two");
	CHECK_STR_EQ(p.items[1].args, "");
	CHECK_INT_EQ(p.items[1].semaphore_offset, 0);
	CHECK_STR_EQ(p.items[2].name, "one");
}

static void check_code(struct elf_file *f)
{
	uint8_t bytes[8];
	uint64_t offset;
	size_t size = 4;

	CHECK_INT_EQ(elf_file_code(f, CODE_ADDRESS + 4, &offset, bytes, &size), 0);
	CHECK_INT_EQ(offset, CODE_OFFSET + 4);
	CHECK_INT_EQ(size, 4);
	CHECK(memcmp(bytes, "code", 4) == 0);
	size = 8;
	CHECK_INT_EQ(elf_file_code(f, CODE_ADDRESS + SEGMENT_SIZE - 3, &offset, bytes,
				   &size),
		     0);
	CHECK_INT_EQ(size, 3);
	CHECK_INT_EQ(
		elf_file_code(f, CODE_ADDRESS + SEGMENT_SIZE, &offset, bytes, &size),
		-ERANGE);
	CHECK_INT_EQ(elf_file_code(f, DATA_ADDRESS, &offset, bytes, &size), -ERANGE);
	CHECK(elf_file_has_section(f, ".text"));
	CHECK(!elf_file_has_section(f, ".go.buildinfo"));
}

static int ignore(const struct target_usdt *u, void *arg)
{
	(void)u, (void)arg;
	return 0;
}

/* Whatever is in the file: no crash, no endless loop. */
static void read_all(const char *path)
{
	const struct target_symbol *all;
	uint64_t address, size;
	struct elf_file *f;
	uint8_t bytes[16];
	size_t n;

	if (elf_file_open(path, &f) < 0)
		return;
	elf_file_symbols(f, &all, &n);
	elf_file_usdt(f, ignore, NULL);
	elf_file_data_address(f, "counter", &address, &size);
	n = sizeof(bytes);
	elf_file_code(f, CODE_ADDRESS, &address, bytes, &n);
	elf_file_close(f);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void break_it(const struct file *f, const struct image *good, uint32_t *state)
{
	static const uint8_t nasty[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct image m = *good;
	unsigned i, times = 1 + next_random(state) % 6;
	size_t size = m.end;

	for (i = 0; i < times; i++) {
		/* Mostly the headers, the notes and the tables. */
		size_t at = next_random(state) % 4
				    ? 0x3000 + next_random(state) % (m.end - 0x3000)
				    : next_random(state) % 0xb0;

		m.bytes[at] = next_random(state) % 2
				      ? nasty[next_random(state) % sizeof(nasty)]
				      : (uint8_t)next_random(state);
	}
	if (next_random(state) % 8 == 0)
		size = next_random(state) % m.end;
	write_file(f, m.bytes, size);
	read_all(f->path);
}

int main(void)
{
	struct image *m = malloc(sizeof(*m));
	struct file file = make_file();
	uint32_t state = 1;
	struct elf_file *f = NULL;
	int i;

	if (!m || file.fd < 0)
		return 1;
	make_image(m);
	write_file(&file, m->bytes, m->end);
	if (CHECK_INT_EQ(elf_file_open(file.path, &f), 0)) {
		check_symbols(f);
		check_usdt(f);
		check_code(f);
		elf_file_close(f);
	}

	CHECK_INT_EQ(elf_file_open("/nonexistent", &f), -ENOENT);
	CHECK_INT_EQ(elf_file_open("/", &f), -EISDIR);
	CHECK_INT_EQ(elf_file_open("/dev/null", &f), -ENOEXEC);
	write_file(&file, (const uint8_t *)"#!/bin/sh\n", 10);
	CHECK_INT_EQ(elf_file_open(file.path, &f), -ENOEXEC);
	m->bytes[EI_CLASS] = ELFCLASS32;
	write_file(&file, m->bytes, m->end);
	CHECK_INT_EQ(elf_file_open(file.path, &f), -ENOEXEC);
	m->bytes[EI_CLASS] = ELFCLASS64;
	m->bytes[offsetof(Elf64_Ehdr, e_machine)] = EM_AARCH64;
	write_file(&file, m->bytes, m->end);
	CHECK_INT_EQ(elf_file_open(file.path, &f), -ENOEXEC);
	m->bytes[offsetof(Elf64_Ehdr, e_machine)] = EM_X86_64;
	elf_file_close(NULL);

	for (i = 0; i < 20000; i++)
		break_it(&file, m, &state);
	close(file.fd);
	free(m);
	return test_failures();
}
