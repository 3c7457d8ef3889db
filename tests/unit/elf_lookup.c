/*
 * From addresses to functions, on files made here: symbols that overlap, have gaps, no
 * sizes or several names; then random ones against a plain search; then broken files.
 */
#include "runtime/elf_lookup.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* Two sections of code; the segment begins in the middle of a page. */
enum {
	CODE_OFFSET = 0x1040,
	CODE_ADDRESS = 0x11040,
	CODE_SIZE = 0x800,
	SECOND = CODE_ADDRESS + 0x600, /* the second section */
	DATA_ADDRESS = 0x22000,
};
enum { TEXT = 1, TEXT2, DATA, SYMTAB, DYNSYM, STRTAB, SHSTRTAB, SECTIONS };
enum { MAX_SYMBOLS = 64 };

struct image {
	uint8_t bytes[0x8000];
	size_t end;
	Elf64_Shdr sections[SECTIONS];
	char names[4096];
	size_t names_len;
	Elf64_Sym symbols[MAX_SYMBOLS];
	size_t nsymbols;
};

static void add(struct image *m, const char *name, int bind, int type, uint64_t address,
		uint64_t size, uint16_t section)
{
	m->symbols[m->nsymbols++] = (Elf64_Sym){
		.st_name = (Elf64_Word)m->names_len,
		.st_info = ELF64_ST_INFO(bind, type),
		.st_value = address,
		.st_size = size,
		.st_shndx = section,
	};
	m->names_len += (size_t)sprintf(m->names + m->names_len, "%s", name) + 1;
}

static void begin(struct image *m)
{
	memset(m, 0, sizeof(*m));
	m->names_len = 1;
	add(m, "", STB_LOCAL, STT_NOTYPE, 0, 0, SHN_UNDEF);
}

static void put(struct image *m, int index, uint32_t type, const void *bytes,
		size_t size)
{
	m->end = (m->end + 15) & ~(size_t)15;
	m->sections[index].sh_type = type;
	m->sections[index].sh_offset = m->end;
	m->sections[index].sh_size = size;
	memcpy(m->bytes + m->end, bytes, size);
	m->end += size;
}

static void describe_code(struct image *m, int index, uint64_t address, uint64_t size)
{
	m->sections[index] = (Elf64_Shdr){
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_addr = address,
		.sh_offset = address - CODE_ADDRESS + CODE_OFFSET,
		.sh_size = size,
	};
}

/* The symbols from the first one given on are in .dynsym only. */
static void finish(struct image *m, size_t dynamic)
{
	static const Elf64_Phdr segment = {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = CODE_OFFSET,
		.p_vaddr = CODE_ADDRESS,
		.p_filesz = CODE_SIZE,
		.p_memsz = CODE_SIZE,
		.p_align = 0x1000,
	};
	Elf64_Ehdr h = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			     ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(h),
		.e_ehsize = sizeof(h),
		.e_phentsize = sizeof(segment),
		.e_phnum = 1,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTIONS,
		.e_shstrndx = SHSTRTAB,
	};

	m->end = 0x3000;
	describe_code(m, TEXT, CODE_ADDRESS, SECOND - CODE_ADDRESS);
	describe_code(m, TEXT2, SECOND, CODE_SIZE - (SECOND - CODE_ADDRESS));
	m->sections[DATA].sh_type = SHT_PROGBITS;
	m->sections[DATA].sh_addr = DATA_ADDRESS;
	m->sections[DATA].sh_size = 0x100;
	put(m, SYMTAB, SHT_SYMTAB, m->symbols, dynamic * sizeof(m->symbols[0]));
	put(m, DYNSYM, SHT_DYNSYM, m->symbols + dynamic,
	    (m->nsymbols - dynamic) * sizeof(m->symbols[0]));
	put(m, STRTAB, SHT_STRTAB, m->names, m->names_len);
	put(m, SHSTRTAB, SHT_STRTAB, "", 1);
	for (int i = SYMTAB; i <= DYNSYM; i++) {
		m->sections[i].sh_link = STRTAB;
		m->sections[i].sh_entsize = sizeof(Elf64_Sym);
		m->sections[i].sh_addralign = 8;
	}
	m->end = (m->end + 15) & ~(size_t)15;
	h.e_shoff = m->end;
	memcpy(m->bytes + m->end, m->sections, sizeof(m->sections));
	m->end += sizeof(m->sections);
	memcpy(m->bytes, &h, sizeof(h));
	memcpy(m->bytes + sizeof(h), &segment, sizeof(segment));
}

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

static struct elf_lookup *open_image(const struct file *f, const struct image *m,
				     size_t size)
{
	struct elf_lookup *l = NULL;

	CHECK(ftruncate(f->fd, 0) == 0);
	CHECK_INT_EQ(pwrite(f->fd, m->bytes, size, 0), size);
	elf_lookup_open(f->path, "/nowhere/file", "/nowhere", &l);
	return l;
}

/* "name+5" or "?" for an address. */
static const char *ask(const struct elf_lookup *l, uint64_t address, char out[64])
{
	struct elf_place place;

	if (!elf_lookup_at(l, address - CODE_ADDRESS + CODE_OFFSET, &place))
		return "?";
	snprintf(out, 64, "%s+%d", place.name, (int)place.offset);
	return out;
}

#define ASK(l, offset, want)                                                           \
	CHECK_STR_EQ(ask(l, (uint64_t)CODE_ADDRESS + (offset), (char[64]){ 0 }), want)

static void add_oddities(struct image *m)
{
	uint64_t at = CODE_ADDRESS;

	/* Of several names: functions, global ones, few underscores, short ones. */
	add(m, "label", STB_GLOBAL, STT_NOTYPE, at + 0x10, 0x10, TEXT);
	add(m, "hidden", STB_LOCAL, STT_FUNC, at + 0x10, 0x10, TEXT);
	add(m, "__write", STB_GLOBAL, STT_FUNC, at + 0x10, 0x10, TEXT);
	add(m, "write", STB_WEAK, STT_FUNC, at + 0x10, 0x10, TEXT);
	add(m, "_write", STB_GLOBAL, STT_FUNC, at + 0x10, 0x10, TEXT);
	/* A gap, then a function with a smaller one and a label in it. */
	add(m, "outer", STB_LOCAL, STT_FUNC, at + 0x40, 0x40, TEXT);
	add(m, "inner@@V1", STB_GLOBAL, STT_FUNC, at + 0x50, 0x10, TEXT);
	add(m, ".label", STB_LOCAL, STT_NOTYPE, at + 0x70, 0, TEXT);
	/* Two that overlap. */
	add(m, "first", STB_GLOBAL, STT_FUNC, at + 0x100, 0x20, TEXT);
	add(m, "second", STB_GLOBAL, STT_FUNC, at + 0x110, 0x20, TEXT);
	/* Without sizes: until the next one, or the section's end. */
	add(m, "start", STB_GLOBAL, STT_NOTYPE, at + 0x200, 0, TEXT);
	add(m, "next", STB_GLOBAL, STT_FUNC, at + 0x220, 0, TEXT);
	add(m, "sized", STB_GLOBAL, STT_FUNC, at + 0x220, 8, TEXT);
	add(m, "last", STB_GLOBAL, STT_FUNC, at + 0x300, 0, TEXT);
	/* Larger than its section; the same name again. */
	add(m, "large", STB_GLOBAL, STT_FUNC, SECOND + 0x10, UINT64_MAX, TEXT2);
	add(m, "twin", STB_LOCAL, STT_FUNC, SECOND, 4, TEXT2);
	add(m, "twin", STB_LOCAL, STT_FUNC, SECOND + 4, 4, TEXT2);
	m->symbols[m->nsymbols - 1].st_name = m->symbols[m->nsymbols - 2].st_name;
	/* What is no code of this file. */
	add(m, "counter", STB_GLOBAL, STT_OBJECT, at + 0x88, 8, TEXT);
	add(m, "imported", STB_GLOBAL, STT_FUNC, 0, 0, SHN_UNDEF);
	add(m, "in_data", STB_GLOBAL, STT_FUNC, DATA_ADDRESS, 8, DATA);
	add(m, "nowhere", STB_GLOBAL, STT_FUNC, at + 0x88, 8, 0x55);
	add(m, "below", STB_GLOBAL, STT_FUNC, at - 8, 8, TEXT);
}

static void check_oddities(const struct elf_lookup *l)
{
	ASK(l, 0x0f, "?");
	ASK(l, 0x10, "write+0");
	ASK(l, 0x1f, "write+15");
	ASK(l, 0x20, "?");
	ASK(l, 0x4f, "outer+15");
	ASK(l, 0x50, "inner+0");
	ASK(l, 0x5f, "inner+15");
	ASK(l, 0x60, "outer+32");
	ASK(l, 0x7f, "outer+63");
	ASK(l, 0x88, "?");
	ASK(l, 0x10f, "first+15");
	ASK(l, 0x110, "second+0");
	ASK(l, 0x12f, "second+31");
	ASK(l, 0x130, "?");
	ASK(l, 0x21f, "start+31");
	ASK(l, 0x227, "sized+7");
	ASK(l, 0x228, "?");
	ASK(l, 0x2ff, "?");
	ASK(l, 0x5ff, "last+767");
	ASK(l, 0x600, "twin+0");
	ASK(l, 0x605, "twin+1");
	ASK(l, 0x60f, "?");
	ASK(l, 0x7ff, "large+495");
	ASK(l, 0x800, "?");
	ASK(l, -1, "?");
	ASK(l, DATA_ADDRESS - CODE_ADDRESS, "?");
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Of those that have the address, the one that begins last. */
static const Elf64_Sym *search(const struct image *m, uint64_t address)
{
	const Elf64_Sym *best = NULL;

	for (size_t i = 1; i < m->nsymbols; i++) {
		const Elf64_Sym *s = &m->symbols[i];

		if (address >= s->st_value && address - s->st_value < s->st_size &&
		    (!best || s->st_value > best->st_value))
			best = s;
	}
	return best;
}

/* At different places, so that there is one answer. */
static void add_random(struct image *m, uint32_t *state)
{
	bool taken[0x600] = { false };
	size_t n = 1 + next_random(state) % (MAX_SYMBOLS - 2);

	while (m->nsymbols <= n) {
		unsigned at = next_random(state) % sizeof(taken);
		char name[16];

		if (taken[at])
			continue;
		taken[at] = true;
		snprintf(name, sizeof(name), "f%zu", m->nsymbols);
		add(m, name, STB_GLOBAL, STT_FUNC, (uint64_t)CODE_ADDRESS + at,
		    1 + next_random(state) % (next_random(state) % 4 ? 32 : 512), TEXT);
	}
}

static void check_random(const struct file *f, struct image *m, uint32_t *state)
{
	struct elf_lookup *l;

	begin(m);
	add_random(m, state);
	finish(m, m->nsymbols / 2);
	l = open_image(f, m, m->end);
	if (!CHECK(l))
		return;
	for (unsigned i = 0; i < 0x600; i++) {
		const Elf64_Sym *s = search(m, CODE_ADDRESS + i);
		char want[64] = "?";

		if (s)
			snprintf(want, sizeof(want), "%s+%d", m->names + s->st_name,
				 (int)(CODE_ADDRESS + i - s->st_value));
		if (!ASK(l, i, want))
			break;
	}
	elf_lookup_close(l);
}

/* Whatever is in the file: no crash, no endless loop. */
static void check_broken(const struct file *f, const struct image *good,
			 uint32_t *state)
{
	static const uint8_t nasty[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct image m = *good;
	unsigned times = 1 + next_random(state) % 6;
	size_t size = m.end;
	struct elf_lookup *l;
	char text[64];

	for (unsigned i = 0; i < times; i++) {
		size_t at = next_random(state) % 4
				    ? 0x3000 + next_random(state) % (m.end - 0x3000)
				    : next_random(state) % 0x78;

		m.bytes[at] = next_random(state) % 2
				      ? nasty[next_random(state) % sizeof(nasty)]
				      : (uint8_t)next_random(state);
	}
	if (next_random(state) % 8 == 0)
		size = next_random(state) % m.end;
	l = open_image(f, &m, size);
	for (unsigned i = 0; l && i < CODE_SIZE; i += 16)
		ask(l, CODE_ADDRESS + i, text);
	elf_lookup_close(l);
}

int main(void)
{
	struct image *m = malloc(sizeof(*m));
	struct file f = make_file();
	struct elf_lookup *l;
	uint32_t state = 1;

	if (!m || f.fd < 0)
		return 1;
	for (int i = 0; i < 300; i++)
		check_random(&f, m, &state);

	begin(m);
	finish(m, m->nsymbols);
	l = open_image(&f, m, m->end);
	if (CHECK(l))
		ASK(l, 0x10, "?");
	elf_lookup_close(l);

	begin(m);
	add_oddities(m);
	for (size_t dynamic = 1; dynamic <= m->nsymbols; dynamic += 5) {
		finish(m, dynamic);
		l = open_image(&f, m, m->end);
		if (CHECK(l))
			check_oddities(l);
		elf_lookup_close(l);
	}
	for (int i = 0; i < 5000; i++)
		check_broken(&f, m, &state);

	CHECK_INT_EQ(elf_lookup_open("/dev/null", "", "", &l), -ENOEXEC);
	CHECK_INT_EQ(elf_lookup_open("/nowhere/file", "", "", &l), -ENOENT);
	elf_lookup_close(NULL);
	close(f.fd);
	free(m);
	return test_failures();
}
