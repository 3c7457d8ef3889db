/* runtime/kernel_names.c: functions and tracepoints among the kernel's symbols. */
#include "runtime/kernel_names.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/test.h"

static const char listing[] =
	"ffffffff81000100 t do_work\n"
	"ffffffff81000120 t __pfx_do_work\n"
	"ffffffff81000200 t do_work\n"
	"ffffffff81000300 T vfs_read\n"
	"ffffffff81000380 t vfs_read.cold\n"
	"ffffffff81000400 W weak_one\n"
	"ffffffff81000480 T __do_sys_getppid\n"
	"ffffffff81000480 T __ia32_sys_getppid\n"
	"ffffffff81000480 T __x64_sys_getppid\n"
	"ffffffff81000500 T __traceiter_sys_enter\n"
	"ffffffff82000000 D jiffies\n"
	"ffffffffc0001000 t ext_read\t[ext]\n"
	"ffffffffc0001100 T __traceiter_ext_event\t[ext]\n"
	"ffffffffc0005000 t bpf_prog_1_x\t[bpf]\n"
	"ffffffffc0006000 t ftrace_trampoline\t[__builtin__ftrace]\n";

static char path[] = "/tmp/memql-names-XXXXXX";

/* What was found, with blanks between. */
static char found[256];

static int add(const char *module, const char *name, void *arg)
{
	size_t len = strlen(found);

	(void)arg;
	snprintf(found + len, sizeof(found) - len, "%s%s:%s", len ? " " : "", module,
		 name);
	return 0;
}

static int stop(const char *module, const char *name, void *arg)
{
	add(module, name, arg);
	return 5;
}

static const char *matches(const struct kernel_names *k, const char *module,
			   const char *name)
{
	found[0] = '\0';
	CHECK_INT_EQ(kernel_names_each(k, module, name, add, NULL), 0);
	return found;
}

static void test_functions(void)
{
	struct kernel_names k = { 0 };

	CHECK_INT_EQ(kernel_functions_read_symbols(path, &k), 0);
	CHECK_STR_EQ(matches(&k, "*", "do_work"), "vmlinux:do_work vmlinux:do_work");
	CHECK_STR_EQ(matches(&k, "*", "*_read"), "vmlinux:vfs_read ext:ext_read");
	CHECK_STR_EQ(matches(&k, "ext", "*_read"), "ext:ext_read");
	CHECK_STR_EQ(matches(&k, "vmlinux", "ext_read"), "");
	CHECK_STR_EQ(matches(&k, "*", "vfs_*"), "vmlinux:vfs_read");
	CHECK_STR_EQ(matches(&k, "*", "weak_one"), "vmlinux:weak_one");
	CHECK_STR_EQ(matches(&k, "*", "*jiffies*"), "");
	CHECK_STR_EQ(matches(&k, "*", "*prog*"), "");
	CHECK_STR_EQ(matches(&k, "*", "*tramp*"), "");
	found[0] = '\0';
	CHECK_INT_EQ(kernel_names_each(&k, "*", "*", stop, NULL), 5);
	CHECK_STR_EQ(found, "vmlinux:do_work");
	kernel_names_free(&k);
}

static void test_addresses(void)
{
	struct kernel_names k = { 0 };
	const struct kernel_name *f;
	size_t n;

	CHECK_INT_EQ(kernel_functions_read_symbols(path, &k), 0);
	kernel_names_sort(&k);
	f = kernel_names_find(&k, "vmlinux", "do_work", &n);
	CHECK_INT_EQ(n, 2);
	if (CHECK(f)) {
		CHECK_INT_EQ(f[0].address, 0xffffffff81000100);
		CHECK_INT_EQ(f[1].address, 0xffffffff81000200);
	}
	f = kernel_names_find(&k, "ext", "ext_read", &n);
	CHECK(f && n == 1 && f->address == 0xffffffffc0001000);
	CHECK(!kernel_names_find(&k, "vmlinux", "ext_read", &n));
	CHECK(!kernel_names_find(&k, "vmlinux", "zzz", &n));
	CHECK_INT_EQ(n, 0);
	kernel_names_free(&k);
}

static const char *alias_matches(const struct kernel_names *k, const char *name)
{
	found[0] = '\0';
	CHECK_INT_EQ(kernel_aliases_each(k, "*", name, add, NULL), 0);
	return found;
}

static void test_aliases(void)
{
	struct kernel_names all = { 0 }, aliases = { 0 }, listed = { 0 };
	struct kernel_name *item;
	size_t n;

	/* As if the kernel listed but one of those at 480. */
	CHECK_INT_EQ(kernel_functions_read_symbols(path, &all), 0);
	kernel_names_sort(&all);
	item = (struct kernel_name *)kernel_names_find(&all, "vmlinux",
						       "__do_sys_getppid", &n);
	CHECK_INT_EQ(n, 1);
	listed = (struct kernel_names){ .items = item, .n = n, .texts = all.texts };
	CHECK_INT_EQ(kernel_functions_read_aliases(path, &listed, &aliases), 0);
	CHECK_STR_EQ(alias_matches(&aliases, "__x64_sys_getppid"),
		     "vmlinux:__x64_sys_getppid");
	CHECK_STR_EQ(alias_matches(&aliases, "__*_sys_getppid"), "");
	CHECK_STR_EQ(alias_matches(&aliases, "__?*4_sys_*"),
		     "vmlinux:__x64_sys_getppid");
	CHECK_STR_EQ(alias_matches(&aliases, "__*a*_sys_*"),
		     "vmlinux:__ia32_sys_getppid");
	CHECK_STR_EQ(alias_matches(&aliases, "__do_sys_getppid"), "");
	CHECK_STR_EQ(alias_matches(&aliases, "vfs_*"), "");
	kernel_names_free(&all);
	kernel_names_free(&aliases);
}

static void test_tracepoints(void)
{
	struct kernel_names k = { 0 };

	CHECK_INT_EQ(kernel_tracepoints_read(path, &k), 0);
	CHECK_STR_EQ(matches(&k, "*", "*"), "vmlinux:sys_enter ext:ext_event");
	kernel_names_free(&k);
	CHECK_STR_EQ(matches(&k, "*", "*"), "");
}

/* Whatever this kernel has to say of its own. */
static void test_kernel(void)
{
	struct kernel_names k = { 0 };
	int err = kernel_functions_read(&k);

	if (!err && k.n > 0)
		CHECK_STR_EQ(matches(&k, "*", "vfs_read"), "vmlinux:vfs_read");
	kernel_names_free(&k);
}

int main(void)
{
	int fd = mkstemp(path);

	if (!CHECK(fd >= 0))
		return test_failures();
	CHECK_INT_EQ(write(fd, listing, strlen(listing)), strlen(listing));
	close(fd);
	test_functions();
	test_addresses();
	test_aliases();
	test_tracepoints();
	test_kernel();
	unlink(path);
	return test_failures();
}
