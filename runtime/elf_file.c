/*
 * The file is mapped privately and handed to libelf as memory, so that hundreds of files
 * can be looked at without as many descriptors. libelf checks that headers and sections
 * are within the file; what is inside a section is checked here.
 */
#include "runtime/elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/elf_internal.h"

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#else
#error "memql knows the registers of x86_64 only"
#endif

static int map_file(const char *path, struct elf_file *f)
{
	/* O_NONBLOCK: a FIFO has no end to wait for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(Elf64_Ehdr))
		err = S_ISDIR(st.st_mode) ? -EISDIR : -ENOEXEC;
	if (err)
		goto out;

	f->size = (size_t)st.st_size;
	/* Writable, because libelf may convert what it reads in place. */
	f->image = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (f->image == MAP_FAILED) {
		f->image = NULL;
		err = -errno;
	}
out:
	close(fd);
	return err;
}

static int read_headers(struct elf_file *f)
{
	const unsigned char *ident = (const unsigned char *)f->image;

	if (memcmp(ident, ELFMAG, SELFMAG) != 0 || ident[EI_CLASS] != ELFCLASS64 ||
	    ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOSYS;
	f->elf = elf_memory(f->image, f->size);
	if (!f->elf || elf_kind(f->elf) != ELF_K_ELF)
		return -ENOEXEC;
	f->header = elf64_getehdr(f->elf);
	if (!f->header || f->header->e_machine != MACHINE ||
	    (f->header->e_type != ET_EXEC && f->header->e_type != ET_DYN))
		return -ENOEXEC;
	/* The tables are used where they are. */
	if ((f->header->e_phoff | f->header->e_shoff) % sizeof(uint64_t))
		return -ENOEXEC;
	f->segments = elf64_getphdr(f->elf);
	if (!f->segments || elf_getphdrnum(f->elf, &f->nsegments) < 0)
		return -ENOEXEC;
	if (elf_getshdrstrndx(f->elf, &f->section_names) < 0)
		f->section_names = 0;
	return 0;
}

int elf_file_open(const char *path, struct elf_file **out)
{
	struct elf_file *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	err = map_file(path, f);
	if (!err)
		err = read_headers(f);
	if (err) {
		elf_file_close(f);
		return err;
	}
	*out = f;
	return 0;
}

void elf_file_close(struct elf_file *f)
{
	if (!f)
		return;
	if (f->elf)
		elf_end(f->elf);
	if (f->image)
		munmap(f->image, f->size);
	free(f->symbols);
	free(f);
}

bool elf_section_next(struct elf_file *f, struct elf_section *s)
{
	while ((s->scn = elf_nextscn(f->elf, s->scn))) {
		s->header = elf64_getshdr(s->scn);
		if (!s->header)
			continue;
		s->name = elf_strptr(f->elf, f->section_names, s->header->sh_name);
		if (!s->name)
			s->name = "";
		return true;
	}
	return false;
}

bool elf_section_find(struct elf_file *f, const char *name, struct elf_section *s)
{
	memset(s, 0, sizeof(*s));
	while (elf_section_next(f, s))
		if (strcmp(s->name, name) == 0)
			return true;
	return false;
}

bool elf_section_bytes(const struct elf_section *s, const uint8_t **bytes, size_t *size)
{
	const Elf_Data *data;

	if (s->header->sh_type == SHT_NOBITS || s->header->sh_flags & SHF_COMPRESSED)
		return false;
	data = elf_rawdata(s->scn, NULL);
	if (!data || !data->d_buf)
		return false;
	*bytes = data->d_buf;
	*size = data->d_size;
	return true;
}

bool elf_file_has_section(struct elf_file *f, const char *name)
{
	struct elf_section s;

	return elf_section_find(f, name, &s);
}

bool elf_file_offset(const struct elf_file *f, uint64_t address, bool executable,
		     uint64_t *offset, uint64_t *left)
{
	size_t i;

	for (i = 0; i < f->nsegments; i++) {
		const Elf64_Phdr *p = &f->segments[i];

		if (p->p_type != PT_LOAD || (executable && !(p->p_flags & PF_X)))
			continue;
		if (address < p->p_vaddr || address - p->p_vaddr >= p->p_filesz)
			continue;
		*offset = address - p->p_vaddr + p->p_offset;
		*left = p->p_filesz - (address - p->p_vaddr);
		return *offset < f->size;
	}
	return false;
}

int elf_file_code(struct elf_file *f, uint64_t address, uint64_t *offset,
		  uint8_t *bytes, size_t *size)
{
	uint64_t left;

	if (!elf_file_offset(f, address, true, offset, &left))
		return -ERANGE;
	if (left > f->size - *offset)
		left = f->size - *offset;
	if (*size > left)
		*size = left;
	if (*size > 0)
		memcpy(bytes, f->image + *offset, *size);
	return 0;
}

int elf_file_linked_address(const struct elf_file *f, uint64_t offset,
			    uint64_t *address)
{
	for (size_t i = 0; i < f->nsegments; i++) {
		const Elf64_Phdr *p = &f->segments[i];

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) ||
		    offset < p->p_offset || offset - p->p_offset >= p->p_filesz)
			continue;
		*address = p->p_vaddr + (offset - p->p_offset);
		return 0;
	}
	return -ERANGE;
}
