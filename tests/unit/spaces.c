/*
 * Address spaces of processes that never were: what fork, exec, mappings and ends leave,
 * first by hand, then at random against a plain picture of it. Then those of this one.
 */
#include "runtime/spaces.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/unit/test.h"

enum { PAGE = 0x1000 };

static const struct mapped_files_limits files_limits = { 1, 2 };

static struct proc_mapping mapping(unsigned first, unsigned n, unsigned offset,
				   const char *name)
{
	return (struct proc_mapping){
		.start = (uint64_t)first * PAGE,
		.end = (uint64_t)(first + n) * PAGE,
		.offset = (uint64_t)offset * PAGE,
		.inode = name[0] == '/' && name[1] != '/' ? 7 : 0,
		.executable = true,
		.name = name,
	};
}

static void map(struct spaces *s, int32_t pid, unsigned first, unsigned n,
		unsigned offset, const char *name)
{
	struct proc_mapping m = mapping(first, n, offset, name);

	spaces_map(s, pid, &m);
}

/* "/a+3" for a page, "anonymous", or "?". */
static const char *ask(struct spaces *s, int32_t pid, unsigned page, char out[64])
{
	uint64_t address = (uint64_t)page * PAGE + 1;
	const struct space_code *c = spaces_find(s, pid, address);

	if (!c)
		return "?";
	if (!c->file)
		return "anonymous";
	snprintf(out, 64, "%s+%d", mapped_file_name(c->file),
		 (int)((address - c->start + c->offset) / PAGE));
	return out;
}

#define ASK(s, pid, page, want)                                                        \
	CHECK_STR_EQ(ask((s), (pid), (page), (char[64]){ 0 }), want)

static void check_life(struct mapped_files *files)
{
	struct spaces *s = spaces_new(files, &(struct spaces_limits){ 3, 10 });

	CHECK(!spaces_know(s, 5));
	map(s, 5, 10, 10, 100, "/a");
	CHECK(spaces_know(s, 5));
	ASK(s, 5, 9, "?");
	ASK(s, 5, 19, "/a+109");
	ASK(s, 5, 20, "?");
	ASK(s, 6, 10, "?");
	/* The middle is replaced. */
	map(s, 5, 12, 2, 0, "/b (deleted)");
	ASK(s, 5, 11, "/a+101");
	ASK(s, 5, 13, "/b+1");
	ASK(s, 5, 14, "/a+104");
	/* A child has it, and goes its own way. */
	spaces_fork(s, 5, 6);
	map(s, 6, 10, 3, 0, "//anon");
	ASK(s, 6, 12, "anonymous");
	ASK(s, 6, 13, "/b+1");
	ASK(s, 5, 12, "/b+0");
	map(s, 5, 30, 1, 0, "[vdso]");
	ASK(s, 5, 30, "[vdso]+0");
	ASK(s, 6, 30, "?");
	/* Another program; what ran before is remembered. */
	spaces_exec(s, 6);
	ASK(s, 6, 13, "/b+1");
	map(s, 6, 13, 1, 0, "/c");
	ASK(s, 6, 13, "/c+0");
	ASK(s, 6, 14, "/a+104");
	/* After the end; a new process has the number. */
	spaces_end(s, 6);
	ASK(s, 6, 13, "/c+0");
	spaces_fork(s, 1, 6);
	ASK(s, 6, 13, "/c+0");
	map(s, 6, 13, 1, 0, "/d");
	ASK(s, 6, 13, "/d+0");
	CHECK_INT_EQ(spaces_forgotten(s), 0);
	/* Three of those that ended are kept. */
	spaces_exec(s, 6);
	spaces_exec(s, 6);
	CHECK_INT_EQ(spaces_forgotten(s), 1);
	ASK(s, 6, 13, "/d+0");
	ASK(s, 6, 14, "?");
	/* Its first thread ended, another one goes on. */
	spaces_end(s, 5);
	map(s, 5, 40, 1, 0, "/e");
	spaces_end(s, 6);
	spaces_exec(s, 6);
	spaces_exec(s, 6);
	spaces_exec(s, 6);
	ASK(s, 5, 40, "/e+0");
	/* Too many pieces. */
	for (unsigned i = 0; i < 30; i++)
		map(s, 9, 2 * i, 1, 0, "/f");
	ASK(s, 9, 18, "/f+0");
	ASK(s, 9, 20, "?");
	spaces_free(s);
}

enum { PAGES = 32, PIDS = 4, SPACES = 400 };

/* What a page of a space is: the number of a file and a page of it, 0 for nothing. */
struct picture {
	struct {
		int32_t pid;
		unsigned pages[PAGES];
	} spaces[SPACES];
	int n;
};

static int newest(const struct picture *p, int32_t pid)
{
	for (int i = p->n - 1; i >= 0; i--) {
		if (p->spaces[i].pid == pid)
			return i;
	}
	return -1;
}

static int begin(struct picture *p, int32_t pid, int copy_of)
{
	memset(&p->spaces[p->n], 0, sizeof(p->spaces[0]));
	if (copy_of >= 0)
		p->spaces[p->n] = p->spaces[copy_of];
	p->spaces[p->n].pid = pid;
	return p->n++;
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void map_at_random(struct spaces *s, struct picture *p, int32_t pid,
			  uint32_t *state)
{
	static const char *const names[] = { "/one", "/two", "/three", "//anon" };
	unsigned file = next_random(state) % 4, first = next_random(state) % PAGES;
	unsigned n = 1 + next_random(state) % (PAGES - first);
	unsigned offset = next_random(state) % 2 ? first : next_random(state) % 9;
	int at = newest(p, pid);

	if (at < 0)
		at = begin(p, pid, -1);
	map(s, pid, first, n, offset, names[file]);
	for (unsigned i = 0; i < n; i++)
		p->spaces[at].pages[first + i] =
			file == 3 ? 4000 : (file + 1) * 1000 + offset + i;
}

static void check_picture(struct spaces *s, const struct picture *p)
{
	static const char *const names[] = { "", "/one", "/two", "/three" };

	for (int32_t pid = 1; pid <= PIDS; pid++) {
		for (unsigned page = 0; page < PAGES; page++) {
			unsigned is = 0;
			char want[64] = "?";

			for (int i = p->n - 1; i >= 0 && !is; i--) {
				if (p->spaces[i].pid == pid)
					is = p->spaces[i].pages[page];
			}
			if (is == 4000)
				snprintf(want, sizeof(want), "anonymous");
			else if (is)
				snprintf(want, sizeof(want), "%s+%u", names[is / 1000],
					 is % 1000);
			if (!ASK(s, pid, page, want))
				return;
		}
	}
}

static void check_random(struct mapped_files *files, uint32_t *state)
{
	struct spaces *s = spaces_new(files, &(struct spaces_limits){ 10000, 10000 });
	struct picture *p = calloc(1, sizeof(*p));

	while (p && p->n < SPACES - 2) {
		int32_t pid = 1 + (int32_t)(next_random(state) % PIDS);
		int32_t child = 1 + (int32_t)(next_random(state) % PIDS);

		switch (next_random(state) % 16) {
		case 0:
			if (child == pid)
				break;
			spaces_fork(s, pid, child);
			begin(p, child, newest(p, pid));
			break;
		case 1:
			spaces_exec(s, pid);
			begin(p, pid, -1);
			break;
		case 2:
			spaces_end(s, pid);
			break;
		default:
			map_at_random(s, p, pid, state);
		}
	}
	if (CHECK(p))
		check_picture(s, p);
	CHECK_INT_EQ(spaces_forgotten(s), 0);
	spaces_free(s);
	free(p);
}

static uint64_t address_of(void (*function)(struct mapped_files *))
{
	return (uint64_t)(uintptr_t)function;
}

/* The name of what is at an address of this process. */
static const char *name_at(struct mapped_files *files, struct spaces *s,
			   uint64_t address, char out[64])
{
	const struct space_code *c = spaces_find(s, getpid(), address);
	struct elf_place place;

	if (!c || !c->file ||
	    !mapped_file_at(files, c->file, address - c->start + c->offset, &place))
		return "?";
	snprintf(out, 64, "%s+%d", place.name, (int)place.offset);
	return out;
}

static void check_own(struct mapped_files *files)
{
	struct spaces *s = spaces_new(files, &(struct spaces_limits){ 10, 10000 });
	uint64_t here = address_of(check_own);
	char text[64];

	CHECK_INT_EQ(spaces_read(s, getpid()), 0);
	CHECK_INT_EQ(spaces_read(s, INT32_MAX), -ESRCH);
	CHECK_STR_EQ(name_at(files, s, here, text), "check_own+0");
	/* To read it again changes nothing. */
	CHECK_INT_EQ(spaces_read(s, getpid()), 0);
	CHECK_STR_EQ(name_at(files, s, here + 1, text), "check_own+1");
	/* There is room for the symbols of one file: they take turns. */
	for (int i = 0; i < 3; i++) {
		CHECK_STR_EQ(name_at(files, s, here, text), "check_own+0");
		CHECK_STR_EQ(name_at(files, s, (uint64_t)(uintptr_t)unlink, text),
			     "unlink+0");
	}
	spaces_free(s);
}

/* A file is another one once it changes, also to those who look for it later. */
static void check_files(struct mapped_files *files)
{
	char path[] = "/tmp/memql-unit-XXXXXX";
	int fd = mkstemp(path);
	struct proc_mapping m = { .end = PAGE, .executable = true, .name = path };
	struct mapped_file *one, *two, *three, *anonymous;
	struct stat st;

	if (!CHECK(fd >= 0) || !CHECK(fstat(fd, &st) == 0))
		return;
	m.inode = st.st_ino;
	m.major = major(st.st_dev);
	m.minor = minor(st.st_dev);
	one = mapped_file_of(files, getpid(), &m);
	two = mapped_file_of(files, getpid(), &m);
	CHECK(one && one == two);
	CHECK(write(fd, "x", 1) == 1);
	three = mapped_file_of(files, getpid(), &m);
	CHECK(three && three != one);
	m.name = "";
	anonymous = mapped_file_of(files, getpid(), &m);
	CHECK(!anonymous);
	mapped_file_put(files, one);
	mapped_file_put(files, two);
	mapped_file_put(files, three);
	mapped_file_put(files, anonymous);
	unlink(path);
	close(fd);
}

int main(void)
{
	struct mapped_files *files = mapped_files_new(&files_limits, "/nowhere");
	uint32_t state = 1;

	check_life(files);
	for (int i = 0; i < 20; i++)
		check_random(files, &state);
	check_own(files);
	check_files(files);
	mapped_files_free(files);
	return test_failures();
}
