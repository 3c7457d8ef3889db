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
	test_tracepoints();
	test_kernel();
	unlink(path);
	return test_failures();
}
