/* runtime/kallsyms.c: reading the kernel's list of symbols. */
#include "runtime/kallsyms.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/test.h"

static const char listing[] = "0000000000000000 A fixed_percpu_data\n"
			      "ffffffff81000000 T _stext\n"
			      "ffffffff81000000 T _text\n"
			      "ffffffff81000100 t do_work\n"
			      "ffffffff81000200 T vfs_read\n"
			      "ffffffff82000000 D jiffies\n"
			      "ffffffffc0001000 t ext_open\t[ext]\n"
			      "ffffffffc0000800 t do_work\t[ext]\n"
			      "not a line of it\n"
			      "ffffffffc0005000 t bpf_prog_1_x\t[bpf]\n";

static char path[] = "/tmp/memql-kallsyms-XXXXXX";

static void write_file(const char *text)
{
	FILE *fp = fopen(path, "w");

	if (CHECK(fp)) {
		fputs(text, fp);
		fclose(fp);
	}
}

struct counts {
	unsigned n, of_module, stop_at;
};

static int count(const struct kallsyms_symbol *s, void *arg)
{
	struct counts *c = arg;

	c->of_module += strcmp(s->module, "ext") == 0;
	return ++c->n == c->stop_at ? 7 : 0;
}

static void test_each(void)
{
	struct counts all = { 0 }, three = { .stop_at = 3 };

	write_file(listing);
	CHECK_INT_EQ(kallsyms_each(path, count, &all), 0);
	CHECK_INT_EQ(all.n, 9);
	CHECK_INT_EQ(all.of_module, 2);
	CHECK_INT_EQ(kallsyms_each(path, count, &three), 7);
	CHECK_INT_EQ(three.n, 3);
	CHECK_INT_EQ(kallsyms_each("/nonexistent", count, &all), -ENOENT);
}

static void test_find(void)
{
	uint64_t address = 0;

	CHECK_INT_EQ(kallsyms_find(path, "do_work", &address), 0);
	CHECK_INT_EQ(address, 0xffffffff81000100);
	CHECK_INT_EQ(kallsyms_find(path, "jiffies", &address), 0);
	CHECK_INT_EQ(address, 0xffffffff82000000);
	CHECK_INT_EQ(kallsyms_find(path, "fixed_percpu_data", &address), 0);
	CHECK_INT_EQ(address, 0);
	CHECK_INT_EQ(kallsyms_find(path, "vfs", &address), -ENOENT);
}

static void check_at(const struct kallsyms *k, uint64_t address, const char *name,
		     const char *module, uint64_t distance)
{
	struct kallsyms_symbol s;

	if (!CHECK(kallsyms_at(k, address, &s)))
		return;
	CHECK_STR_EQ(s.name, name);
	CHECK_STR_EQ(s.module, module);
	CHECK_INT_EQ(address - s.address, distance);
}

static void test_at(void)
{
	struct kallsyms_symbol s;
	struct kallsyms *k;

	if (!CHECK(kallsyms_open(path, &k) == 0))
		return;
	check_at(k, 0xffffffff81000000, "_stext", "vmlinux", 0);
	check_at(k, 0xffffffff8100000f, "_stext", "vmlinux", 15);
	check_at(k, 0xffffffff810001ff, "do_work", "vmlinux", 0xff);
	check_at(k, 0xffffffffc0000fff, "do_work", "ext", 0x7ff);
	check_at(k, 0xffffffffc0001000, "ext_open", "ext", 0);
	check_at(k, UINT64_MAX, "bpf_prog_1_x", "bpf", UINT64_MAX - 0xffffffffc0005000);
	CHECK(!kallsyms_at(k, 0x400000, &s));
	kallsyms_close(k);
	kallsyms_close(NULL);
}

/* kernel.kptr_restrict = 2, or no right to see them. */
static void test_hidden(void)
{
	struct counts all = { 0 };
	struct kallsyms *k = NULL;
	uint64_t address;

	write_file("0000000000000000 T _stext\n0000000000000000 T vfs_read\n");
	CHECK_INT_EQ(kallsyms_each(path, count, &all), 0);
	CHECK_INT_EQ(all.n, 2);
	CHECK_INT_EQ(kallsyms_find(path, "vfs_read", &address), -EACCES);
	CHECK_INT_EQ(kallsyms_find(path, "vfs_write", &address), -ENOENT);
	CHECK_INT_EQ(kallsyms_open(path, &k), -EACCES);
	CHECK(!k);
}

/* Lines across the ends of what is read at once, in this kernel's own list. */
static void test_kernel(void)
{
	struct kallsyms_symbol s = { 0 };
	struct counts all = { 0 };
	uint64_t address;
	struct kallsyms *k;
	char line[4096];
	unsigned n = 0;
	FILE *fp = fopen(KALLSYMS_PATH, "re");

	if (!fp)
		return;
	while (fgets(line, sizeof(line), fp))
		n++;
	fclose(fp);
	CHECK_INT_EQ(kallsyms_each(KALLSYMS_PATH, count, &all), 0);
	/* Programs come and go. */
	CHECK(all.n + 200 > n && all.n < n + 200);
	if (kallsyms_find(KALLSYMS_PATH, "vfs_read", &address) ||
	    kallsyms_open(KALLSYMS_PATH, &k))
		return;
	if (CHECK(kallsyms_at(k, address, &s)))
		CHECK_STR_EQ(s.name, "vfs_read");
	kallsyms_close(k);
}

int main(void)
{
	int fd = mkstemp(path);

	if (!CHECK(fd >= 0))
		return test_failures();
	close(fd);
	test_each();
	test_find();
	test_at();
	test_hidden();
	test_kernel();
	unlink(path);
	return test_failures();
}
