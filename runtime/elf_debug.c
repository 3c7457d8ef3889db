/*
 * Distributions strip programs and ship the symbols in files of their own. A file tells
 * of its debug file in two ways: a note with the build-id, which both have, and the
 * section .gnu_debuglink, with a name and the CRC-32 of the whole debug file.
 */
#include "runtime/elf_debug.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "runtime/elf_internal.h"

/* The reversed polynomial of IEEE 802.3. */
static const uint32_t polynomial = 0xedb88320u;

struct build_id {
	const uint8_t *bytes;
	size_t size; /* 0: there is none */
};

struct link {
	const char *name; /* NULL: there is none */
	uint32_t crc;
};

static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static struct build_id read_build_id(struct elf_file *f)
{
	struct build_id none = { 0 };
	struct elf_section s;
	const uint8_t *bytes;
	Elf64_Nhdr note;
	size_t size;

	if (!elf_section_find(f, ".note.gnu.build-id", &s) ||
	    !elf_section_bytes(&s, &bytes, &size) || size < sizeof(note))
		return none;
	memcpy(&note, bytes, sizeof(note));
	size -= sizeof(note);
	if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz > size ||
	    align4(note.n_namesz) > size ||
	    note.n_descsz > size - align4(note.n_namesz) || note.n_descsz < 2)
		return none;
	return (struct build_id){
		.bytes = bytes + sizeof(note) + align4(note.n_namesz),
		.size = note.n_descsz,
	};
}

static struct link read_link(struct elf_file *f)
{
	struct link link = { 0 };
	struct elf_section s;
	const uint8_t *bytes;
	size_t size, len;

	if (!elf_section_find(f, ".gnu_debuglink", &s) ||
	    !elf_section_bytes(&s, &bytes, &size))
		return link;
	len = strnlen((const char *)bytes, size);
	if (len == 0 || align4(len + 1) > size ||
	    size - align4(len + 1) < sizeof(link.crc) || memchr(bytes, '/', len))
		return link;
	memcpy(&link.crc, bytes + align4(len + 1), sizeof(link.crc));
	link.name = (const char *)bytes;
	return link;
}

/* Four bytes at a time: debug files have hundreds of megabytes. */
static uint32_t crc32_of(const uint8_t *p, size_t size)
{
	uint32_t table[4][256], crc = UINT32_MAX;

	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (c & 1 ? polynomial : 0);
		table[0][i] = c;
	}
	for (int k = 1; k < 4; k++) {
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = table[k - 1][i];

			table[k][i] = c >> 8 ^ table[0][c & 0xff];
		}
	}
	for (; size >= 4; size -= 4, p += 4) {
		uint32_t word;

		memcpy(&word, p, sizeof(word)); /* this machine is little-endian */
		crc ^= word;
		crc = table[3][crc & 0xff] ^ table[2][crc >> 8 & 0xff] ^
		      table[1][crc >> 16 & 0xff] ^ table[0][crc >> 24];
	}
	while (size--)
		crc = crc >> 8 ^ table[0][(crc ^ *p++) & 0xff];
	return ~crc;
}

/* What a debug file must agree with. */
struct search {
	struct build_id id;
	struct link link;
};

static bool belongs(const struct search *s, struct elf_file *debug)
{
	struct build_id id = read_build_id(debug);

	if (s->id.size && id.size)
		return id.size == s->id.size && !memcmp(id.bytes, s->id.bytes, id.size);
	return s->link.name &&
	       crc32_of((const uint8_t *)debug->image, debug->size) == s->link.crc;
}

static int try_path(const struct search *s, const char *path, struct elf_file **out)
{
	struct elf_file *debug;
	int err = elf_file_open(path, &debug);

	if (err)
		return -ENOENT;
	if (!belongs(s, debug)) {
		elf_file_close(debug);
		return -ENOENT;
	}
	*out = debug;
	return 0;
}

static int by_build_id(const struct search *s, const char *debug_root,
		       struct elf_file **out)
{
	char path[PATH_MAX];
	size_t len;

	len = (size_t)snprintf(path, sizeof(path), "%s/.build-id/%02x/", debug_root,
			       s->id.bytes[0]);
	for (size_t i = 1; i < s->id.size && len + 9 < sizeof(path); i++)
		len += (size_t)sprintf(path + len, "%02x", s->id.bytes[i]);
	if (len + 9 >= sizeof(path))
		return -ENOENT;
	strcpy(path + len, ".debug");
	return try_path(s, path, out);
}

/* In one directory, and in .debug/ there. */
static int beside(const struct search *s, const char *root, const char *file,
		  struct elf_file **out)
{
	const char *slash = strrchr(file, '/');
	char path[PATH_MAX];
	int len, err;

	if (!slash)
		return -ENOENT;
	len = (int)(slash - file);
	snprintf(path, sizeof(path), "%s%.*s/%s", root, len, file, s->link.name);
	err = try_path(s, path, out);
	if (!err)
		return 0;
	snprintf(path, sizeof(path), "%s%.*s/.debug/%s", root, len, file, s->link.name);
	return try_path(s, path, out);
}

int elf_debug_open(struct elf_file *f, const char *name, const char *debug_root,
		   struct elf_file **out)
{
	struct search s = { .id = read_build_id(f), .link = read_link(f) };
	int err = -ENOENT;

	if (s.id.size)
		err = by_build_id(&s, debug_root, out);
	if (err && s.link.name)
		err = beside(&s, "", name, out);
	if (err && s.link.name && name[0] == '/')
		err = beside(&s, debug_root, name, out);
	return err;
}
