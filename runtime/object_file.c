#include "runtime/object_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "codegen/image.h"
#include "core/arena.h"

enum { OBJECT_MAX = 64 << 20 };

static bool refuse(const char *path, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static bool refuse(const char *path, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "memql: --object: %s: ", path);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return false;
}

static bool read_file(struct arena *a, const char *path, struct image *img)
{
	FILE *in = fopen(path, "rb");
	long size = -1;
	char *bytes;
	bool whole;

	if (in && fseek(in, 0, SEEK_END) == 0)
		size = ftell(in);
	if (size < 0 || size > OBJECT_MAX) {
		refuse(path, "cannot be read: %s", strerror(size < 0 ? errno : EFBIG));
		if (in)
			fclose(in);
		return false;
	}
	rewind(in);
	bytes = arena_alloc(a, (size_t)size);
	whole = fread(bytes, 1, (size_t)size, in) == (size_t)size;
	fclose(in);
	img->elf = bytes;
	img->elf_size = (size_t)size;
	return whole || refuse(path, "cannot be read");
}

static bool map_fits(const char *path, struct bpf_object *o, const char *symbol,
		     size_t key_size, size_t value_size)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(o, symbol);

	if (!map)
		return refuse(path, "it has no map %s, which the script has", symbol);
	if (bpf_map__key_size(map) == key_size &&
	    bpf_map__value_size(map) == value_size)
		return true;
	return refuse(
		path,
		"%s has keys of %u and values of %u bytes, in the script they have "
		"%zu and %zu",
		symbol, bpf_map__key_size(map), bpf_map__value_size(map), key_size,
		value_size);
}

/* What the session looks for. */
static bool fits(const char *path, struct bpf_object *o, const struct image *img)
{
	for (size_t i = 0; i < img->nprograms; i++)
		if (!bpf_object__find_program_by_name(o, img->programs[i].symbol))
			return refuse(path,
				      "it has no program %s, which the script has",
				      img->programs[i].symbol);
	for (size_t i = 0; i < img->nmaps; i++)
		if (!map_fits(path, o, img->maps[i]->symbol, img->maps[i]->key_size,
			      img->maps[i]->value_size))
			return false;
	return map_fits(path, o, IMAGE_RING, 0, 0) &&
	       map_fits(path, o, IMAGE_LOSS, sizeof(uint32_t), sizeof(uint64_t));
}

static int say_nothing(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return 0;
}

const struct image *image_with_object(struct arena *a, const struct image *img,
				      const char *path)
{
	struct image *out = ARENA_NEW(a, struct image);
	struct bpf_object *o;
	bool ok;

	*out = *img;
	if (!read_file(a, path, out))
		return NULL;
	libbpf_set_print(say_nothing);
	o = bpf_object__open_mem(out->elf, out->elf_size, NULL);
	if (!o) {
		refuse(path, "it is no object file with BPF programs");
		return NULL;
	}
	ok = fits(path, o, img);
	bpf_object__close(o);
	return ok ? out : NULL;
}
