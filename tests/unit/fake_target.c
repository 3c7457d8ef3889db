/* The fake machine answers as the real one would. */
#include "tests/fake_target.h"

#include <errno.h>

#include "tests/unit/test.h"

static const char text[] = "feature sleepable_uprobe # a comment\n"
			   "tracepoint sched sched_switch\n"
			   "\tfield 8 16 signed prev_comm char[16]\n"
			   "\tfield 24 8 unsigned name const char *\n"
			   "tracepoint sched sched_wakeup\n"
			   "object /lib/libx.so.1 as x used 7\n"
			   "\tsymbol f@@V2 0x2000 0x1000 16\n"
			   "\tsymbol f@V1 0x2010 0x1010 16\n"
			   "\tdata counter 0x3000\n"
			   "object /bin/engine pid 7\n"
			   "\tusdt db query 0x2004 0x1004 0x3004 8@%rdi -4@-4(%rbp)\n"
			   "object /bin/script\n"
			   "\tfails 8\n"
			   "function vmlinux vfs_read\n"
			   "function ext ext_read\n"
			   "raw_tracepoint vmlinux sys_enter\n"
			   "kernel_symbol jiffies 0xffffffff82000000\n";

static const char types[] = "typedef u32 unsigned int\n"
			    "enum .states 4 signed\n"
			    "\tvalue LOST -2\n"
			    "struct box 32\n"
			    "\tmember 0 next struct box *user\n"
			    "\tmember 8 - union .inner\n"
			    "\tmember 16 names char * [2]\n"
			    "\tbits 131 5 flags u32\n"
			    "union .inner 8\n"
			    "\tmember 0 wide long unsigned int\n"
			    "function vmlinux f\n"
			    "\tparam box struct box *\n"
			    "\treturns int\n"
			    "raw_tracepoint vmlinux e\n"
			    "\tparam what struct unknown *\n";

/* What was found, with blanks between. */
static char found[256];

static void add(const char *word)
{
	size_t len = strlen(found);

	snprintf(found + len, sizeof(found) - len, "%s%s", len ? " " : "", word);
}

static int add_event(const char *group, const char *event, void *arg)
{
	(void)group, (void)arg;
	add(event);
	return 0;
}

static int add_field(const struct target_field *f, void *arg)
{
	char line[64];

	(void)arg;
	snprintf(line, sizeof(line), "%s:%s:%u+%u%c", f->name, f->type_text, f->offset,
		 f->size, f->is_signed ? 's' : 'u');
	add(line);
	return 0;
}

static int add_path(const char *path, void *arg)
{
	(void)arg;
	add(path);
	return 0;
}

static int stop_at_path(const char *path, void *arg)
{
	(void)arg;
	add(path);
	return 5;
}

static int add_symbol(const struct target_symbol *s, void *arg)
{
	char line[64];

	(void)arg;
	snprintf(line, sizeof(line), "%s@%s%s", s->name, s->is_default ? "@" : "",
		 s->version ? s->version : "");
	add(line);
	return 0;
}

static int add_usdt(const struct target_usdt *u, void *arg)
{
	(void)arg;
	add(u->provider);
	add(u->name);
	add(u->args);
	return 0;
}

static const char *objects(struct target *t, const char *object, int32_t pid)
{
	found[0] = '\0';
	CHECK_INT_EQ(t->ops->objects(t, object, pid, add_path, NULL), 0);
	return found;
}

static void test_kernel(struct target *t)
{
	CHECK(t->ops->has(t, FEATURE_SLEEPABLE_UPROBE));
	CHECK(!t->ops->has(t, FEATURE_UPROBE_MULTI));
	found[0] = '\0';
	CHECK_INT_EQ(t->ops->tracepoints(t, "sched", "sched_w*", add_event, NULL), 0);
	CHECK_STR_EQ(found, "sched_wakeup");
	found[0] = '\0';
	t->ops->tracepoint_fields(t, "sched", "sched_switch", add_field, NULL);
	CHECK_STR_EQ(found, "prev_comm:char[16]:8+16s name:const char *:24+8u");
	CHECK_INT_EQ(t->ops->tracepoint_fields(t, "sched", "x", add_field, NULL),
		     -ENOENT);
}

static void test_objects(struct target *t)
{
	CHECK_STR_EQ(objects(t, "*", 0), "/bin/engine");
	CHECK_STR_EQ(objects(t, "eng*", 0), "/bin/engine");
	CHECK_STR_EQ(objects(t, "/bin/*", 0), "/bin/engine /bin/script");
	CHECK_STR_EQ(objects(t, "x", 0), "/lib/libx.so.1");
	CHECK_STR_EQ(objects(t, "script", 0), "/bin/script");
	CHECK_STR_EQ(objects(t, "nothing", 0), "");
	CHECK_STR_EQ(objects(t, "", 7), "/lib/libx.so.1 /bin/engine");
	CHECK_STR_EQ(objects(t, "x", 7), "/lib/libx.so.1");
	CHECK_STR_EQ(objects(t, "x", 8), "");
	CHECK_INT_EQ(t->ops->objects(t, "/bin/*", 0, stop_at_path, NULL), 5);
	CHECK_INT_EQ(t->ops->process_count(t), 1);
}

static void test_files(struct target *t)
{
	uint64_t n = 0, size;
	size_t none = 0;

	found[0] = '\0';
	CHECK_INT_EQ(t->ops->symbols(t, "/lib/libx.so.1", add_symbol, NULL), 0);
	CHECK_STR_EQ(found, "f@@V2 f@V1");
	found[0] = '\0';
	CHECK_INT_EQ(t->ops->usdt(t, "/bin/engine", add_usdt, NULL), 0);
	CHECK_STR_EQ(found, "db query 8@%rdi -4@-4(%rbp)");
	CHECK_INT_EQ(t->ops->symbols(t, "/bin/script", add_symbol, NULL), -ENOEXEC);
	CHECK_INT_EQ(t->ops->symbols(t, "/none", add_symbol, NULL), -ENOENT);
	CHECK_INT_EQ(t->ops->symbol_address(t, "/lib/libx.so.1", "counter", &n, &size),
		     0);
	CHECK_INT_EQ(n, 0x3000);
	CHECK_INT_EQ(t->ops->code(t, "/lib/libx.so.1", 0x2014, &n, NULL, &none), 0);
	CHECK_INT_EQ(n, 0x1014);
	CHECK_INT_EQ(t->ops->linked_address(t, "/lib/libx.so.1", 0x1014, &n), 0);
	CHECK_INT_EQ(n, 0x2014);
	CHECK_INT_EQ(t->ops->code(t, "/lib/libx.so.1", 0x4000, &n, NULL, &none),
		     -ERANGE);
}

static int add_name(const char *module, const char *name, void *arg)
{
	(void)arg;
	add(module);
	add(name);
	return 0;
}

static void test_functions(struct target *t)
{
	uint64_t address = 0;

	found[0] = '\0';
	CHECK_INT_EQ(t->ops->functions(t, "*", "*_read", add_name, NULL), 0);
	CHECK_STR_EQ(found, "vmlinux vfs_read ext ext_read");
	found[0] = '\0';
	CHECK_INT_EQ(t->ops->functions(t, "ext", "vfs_read", add_name, NULL), 0);
	CHECK_INT_EQ(t->ops->raw_tracepoints(t, "vm*", "sys*", add_name, NULL), 0);
	CHECK_STR_EQ(found, "vmlinux sys_enter");
	CHECK_INT_EQ(t->ops->kernel_symbol(t, "jiffies", &address), 0);
	CHECK_INT_EQ(address, 0xffffffff82000000);
	CHECK_INT_EQ(t->ops->kernel_symbol(t, "none", &address), -ENOENT);
}

static int add_member(const struct target_member *m, void *arg)
{
	const struct target *t = arg;
	struct target_type type;
	char line[64];

	CHECK_INT_EQ(t->ops->type_describe(t, m->type, &type), 0);
	snprintf(line, sizeof(line), "%s@%u/%u:%u.%u%s", m->name,
		 (unsigned)m->bit_offset, m->bits, (unsigned)type.kind,
		 (unsigned)type.size, type.is_user ? "u" : "");
	add(line);
	return 0;
}

static int add_param(const struct target_param *p, void *arg)
{
	struct target_member m = { .name = p->name, .type = p->type };

	return add_member(&m, arg);
}

static void test_types(void)
{
	struct target *t = fake_target_parse("types", types);
	target_type_id id;
	int64_t value = 0;

	if (!CHECK(t != NULL))
		return;
	found[0] = '\0';
	CHECK_INT_EQ(t->ops->type_find(t, TAG_STRUCT, "box", &id), 0);
	CHECK_INT_EQ(t->ops->type_members(t, id, add_member, t), 0);
	CHECK_STR_EQ(found, "next@0/0:5.8u @64/0:8.8 names@128/0:6.16 flags@131/5:1.4");
	CHECK_INT_EQ(t->ops->constant(t, "LOST", &value, &id), 0);
	CHECK_INT_EQ(value, -2);
	found[0] = '\0';
	CHECK_INT_EQ(t->ops->function_params(t, "vmlinux", "f", add_param, t, &id), 0);
	CHECK_INT_EQ(t->ops->raw_tracepoint_params(t, "e", add_param, t), 0);
	CHECK_STR_EQ(found, "box@0/0:5.8 what@0/0:5.8");
	CHECK_INT_EQ(t->ops->functions(t, "*", "*", add_name, NULL), 0);
	fake_target_close(t);
}

int main(void)
{
	struct target *t = fake_target_parse("text", text);

	if (!CHECK(t != NULL))
		return test_failures();
	test_kernel(t);
	test_objects(t);
	test_files(t);
	test_functions(t);
	CHECK_INT_EQ(
		t->ops->constant(t, "LOST", &(int64_t){ 0 }, &(target_type_id){ 0 }),
		-ENODATA);
	fake_target_close(t);
	test_types();
	CHECK(!fake_target_parse("text", "nonsense\n"));
	CHECK(!fake_target_parse("text", "symbol f 1 2 3\n"));
	CHECK(!fake_target_parse("text", "object /x color red\n"));
	CHECK(!fake_target_parse("text", "struct s 8\nmember 0 x unheard\n"));
	CHECK(!fake_target_parse("text", "value ONE 1\n"));
	CHECK(!fake_target_parse("text", "param x int\n"));
	return test_failures();
}
