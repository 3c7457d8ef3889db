#include "runtime/object_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

static int what_is_wrong(FILE *in, size_t *size)
{
	struct stat st;

	if (!in || fstat(fileno(in), &st))
		return errno;
	*size = (size_t)st.st_size;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	return st.st_size > OBJECT_MAX ? EFBIG : 0;
}

static bool read_file(struct arena *a, const char *path, struct image *img)
{
	FILE *in = fopen(path, "rbe");
	int err = what_is_wrong(in, &img->elf_size);
	char *bytes = err ? NULL : arena_alloc(a, img->elf_size);

	if (bytes && fread(bytes, 1, img->elf_size, in) != img->elf_size)
		err = ferror(in) ? errno : EIO;
	if (in)
		fclose(in);
	img->elf = bytes;
	return !err || refuse(path, "cannot be read: %s", strerror(err));
}

/* How a map's entries are read depends on all of this. */
static bool map_fits(const char *path, const struct bpf_map *map,
		     const struct bpf_map *want)
{
	const char *symbol = bpf_map__name(want);
	enum bpf_map_type type = bpf_map__type(want);

	if (!map)
		return refuse(path, "it has no map %s, which the script has", symbol);
	if (bpf_map__key_size(map) != bpf_map__key_size(want) ||
	    bpf_map__value_size(map) != bpf_map__value_size(want))
		return refuse(path,
			      "%s has keys of %u and values of %u bytes, in the script "
			      "they have %u and %u",
			      symbol, bpf_map__key_size(map), bpf_map__value_size(map),
			      bpf_map__key_size(want), bpf_map__value_size(want));
	if (bpf_map__type(map) != type)
		return refuse(path, "%s is of type %s, in the script of %s", symbol,
			      libbpf_bpf_map_type_str(bpf_map__type(map)),
			      libbpf_bpf_map_type_str(type));
	if ((type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY) &&
	    bpf_map__max_entries(map) < bpf_map__max_entries(want))
		return refuse(path, "%s has room for %u, in the script for %u", symbol,
			      bpf_map__max_entries(map), bpf_map__max_entries(want));
	return true;
}

static bool has_map(const char *path, struct bpf_object *o, struct bpf_object *own,
		    const char *symbol)
{
	const struct bpf_map *want = bpf_object__find_map_by_name(own, symbol);

	return !want || map_fits(path, bpf_object__find_map_by_name(o, symbol), want);
}

/* What another program would be attached to, or get, is not what it was written for. */
static bool program_fits(const char *path, struct bpf_object *o, struct bpf_object *own,
			 const struct image_program *p)
{
	const struct bpf_program *prog = bpf_object__find_program_by_name(o, p->symbol);
	const struct bpf_program *want =
		bpf_object__find_program_by_name(own, p->symbol);

	if (!prog)
		return refuse(path, "it has no program %s, which the script has",
			      p->symbol);
	/* Of some, only by_id.c knows the type. */
	if (want && bpf_program__type(want) != BPF_PROG_TYPE_UNSPEC &&
	    bpf_program__type(prog) != bpf_program__type(want))
		return refuse(
			path,
			"%s is of type %s (%s), in the script of %s (%s): was it "
			"made of this script?",
			p->symbol, libbpf_bpf_prog_type_str(bpf_program__type(prog)),
			bpf_program__section_name(prog),
			libbpf_bpf_prog_type_str(bpf_program__type(want)), p->point);
	return true;
}

/* What the session looks for, as the script's own object has it. */
static bool fits(const char *path, struct bpf_object *o, struct bpf_object *own,
		 const struct image *img)
{
	for (size_t i = 0; i < img->nprograms; i++)
		if (!program_fits(path, o, own, &img->programs[i]))
			return false;
	for (size_t i = 0; i < img->nmaps; i++) {
		const struct map_info *map = img->maps[i];
		char room[IMAGE_NAME_MAX];

		if (!has_map(path, o, own, map->symbol) ||
		    (map->storage == MAP_KEPT &&
		     !has_map(path, o, own, image_seats(room, map))))
			return false;
	}
	return has_map(path, o, own, IMAGE_RING) && has_map(path, o, own, IMAGE_LOSS);
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
	struct bpf_object *o, *own;
	bool ok;

	*out = *img;
	if (!read_file(a, path, out))
		return NULL;
	libbpf_set_print(say_nothing);
	own = bpf_object__open_mem(img->elf, img->elf_size, NULL);
	o = bpf_object__open_mem(out->elf, out->elf_size, NULL);
	if (!own || !o)
		refuse(path, own ? "it is no object file with BPF programs"
				 : "no memory is left");
	ok = o && own && fits(path, o, own, img);
	bpf_object__close(o);
	bpf_object__close(own);
	return ok ? out : NULL;
}
