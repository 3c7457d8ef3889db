/*
 * Variables of the programs' sections: constants, which are set before the programs are
 * loaded, and the word that says whether memql sleeps.
 */
#include "runtime/session_state.h"

#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "core/arena.h"
#include "runtime/sink.h"

/* Where a global of the image is: its section's name, and the offset in it. */
static const char *find_global(const struct image *img, const char *name,
			       uint64_t *offset, uint64_t *size)
{
	const unsigned char *elf = img->elf;
	const Elf64_Ehdr *h = img->elf;
	const Elf64_Shdr *sections = (const void *)(elf + h->e_shoff);
	const char *section_names =
		(const char *)elf + sections[h->e_shstrndx].sh_offset;

	for (unsigned i = 0; i < h->e_shnum; i++) {
		const Elf64_Shdr *sec = &sections[i];
		const Elf64_Sym *symbol = (const void *)(elf + sec->sh_offset);
		const char *names;

		if (sec->sh_type != SHT_SYMTAB)
			continue;
		names = (const char *)elf + sections[sec->sh_link].sh_offset;
		for (size_t n = sec->sh_size / sizeof(*symbol); n; n--, symbol++) {
			if (strcmp(names + symbol->st_name, name) != 0)
				continue;
			*offset = symbol->st_value;
			*size = symbol->st_size;
			return section_names + sections[symbol->st_shndx].sh_name;
		}
	}
	return NULL;
}

/* Set a constant that the programs read, if they have it. */
static void set_setting(struct session *s, enum setting setting, const void *value,
			size_t n)
{
	const char *name = setting_symbol(setting);
	uint64_t offset, size;
	const char *section = find_global(s->image, name, &offset, &size);
	struct bpf_map *map;
	unsigned char *bytes;
	size_t room;

	if (!section)
		return;
	map = bpf_object__find_map_by_name(s->object, section);
	assert(map && size == n);
	bytes = (unsigned char *)bpf_map__initial_value(map, &room);
	assert(bytes && offset + n <= room);
	memcpy(bytes + offset, value, n);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/*
 * How far apart two clocks are. Another thread may run between reading one and the other:
 * the closest of some tries.
 */
static uint64_t clock_offset(clockid_t of, clockid_t from)
{
	uint64_t least = UINT64_MAX, offset = 0;

	for (int i = 0; i < 10; i++) {
		uint64_t before = clock_ns(from), at = clock_ns(of);
		uint64_t took = clock_ns(from) - before;

		if (took >= least)
			continue;
		least = took;
		offset = at - before - took / 2;
	}
	return offset;
}

/* The largest power of two that is not above n. */
static uint64_t power_below(uint64_t n)
{
	while (n & (n - 1))
		n &= n - 1;
	return n;
}

/* libbpf asks the types of a section's variables, which ours does not have. */
static int share_asleep(struct session *s)
{
	uint64_t offset, size;
	const char *section = find_global(s->image, IMAGE_ASLEEP, &offset, &size);
	struct bpf_map *map =
		section ? bpf_object__find_map_by_name(s->object, section) : NULL;

	return map ? bpf_map__set_map_flags(map,
					    bpf_map__map_flags(map) | BPF_F_MMAPABLE)
		   : 0;
}

int globals_set(struct session *s, uint32_t ring_bytes, int32_t child)
{
	uint32_t self = kernel_own_pid(), json = s->sink->is_json;
	uint64_t start = clock_ns(CLOCK_BOOTTIME), wake = power_below(ring_bytes / 4);
	uint64_t tai = clock_offset(CLOCK_TAI, CLOCK_BOOTTIME);
	uint64_t wall = clock_offset(CLOCK_REALTIME, CLOCK_BOOTTIME);

	set_setting(s, SETTING_JSON, &json, sizeof(json));
	set_setting(s, SETTING_SELF, &self, sizeof(self));
	set_setting(s, SETTING_START, &start, sizeof(start));
	set_setting(s, SETTING_WAKE, &wake, sizeof(wake));
	set_setting(s, SETTING_TAI_OFFSET, &tai, sizeof(tai));
	set_setting(s, SETTING_WALL_OFFSET, &wall, sizeof(wall));
	set_setting(s, SETTING_CHILD, &child, sizeof(child));
	return share_asleep(s);
}

static void unmap_asleep(void *page)
{
	munmap(page, (size_t)sysconf(_SC_PAGESIZE));
}

/* libbpf's own view of a section is a copy from before it was loaded. */
int globals_open(struct session *s)
{
	uint64_t offset, size;
	const char *section = find_global(s->image, IMAGE_ASLEEP, &offset, &size);
	struct bpf_map *map =
		section ? bpf_object__find_map_by_name(s->object, section) : NULL;
	void *page;

	if (!map)
		return 0;
	page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
		    MAP_SHARED, bpf_map__fd(map), 0);
	if (page == MAP_FAILED)
		return -errno;
	arena_defer(s->arena, unmap_asleep, page);
	s->asleep = (uint64_t *)((char *)page + offset);
	return 0;
}
