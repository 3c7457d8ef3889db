/*
 * Answers questions about BTF, for the test that compares the answers with bpftool's:
 * tests/runtime/btf.py.
 *
 * usage: btf_dump [DIRECTORY] <questions: "struct NAME", "union NAME", "enum NAME",
 *	"type NAME", "constant NAME", "function NAME", "raw_tracepoint NAME", "list TAG";
 *	"load_iter NAME" and "load_raw_tracepoint NAME" load a program for it
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <unistd.h>

#include "runtime/btf.h"

static void print_type(struct btf_set *s, target_type_id id, bool inside);

struct members {
	struct btf_set *set;
};

static int print_member(const struct target_member *m, void *arg)
{
	const struct members *ms = arg;

	printf("%s@%" PRIu64 "/%u ", m->name, m->bit_offset, m->bits);
	print_type(ms->set, m->type, true);
	putchar(';');
	return 0;
}

static void print_members(struct btf_set *s, target_type_id id)
{
	struct members ms = { s };
	int err;

	putchar('{');
	err = btf_members(s, id, print_member, &ms);
	if (err)
		printf("error %d", err);
	putchar('}');
}

/* inside: of another type, where the members of a named struct are left out. */
static void print_type(struct btf_set *s, target_type_id id, bool inside)
{
	struct target_type t;
	int err = btf_describe(s, id, &t);

	if (err) {
		printf("error %d", err);
		return;
	}
	switch (t.kind) {
	case TARGET_VOID:
		printf("void");
		return;
	case TARGET_INT:
		printf("%c%" PRIu64, t.is_signed ? 's' : 'u', t.size);
		return;
	case TARGET_BOOL:
		printf("bool%" PRIu64, t.size);
		return;
	case TARGET_CHAR:
		printf("char%c", t.is_signed ? 's' : 'u');
		return;
	case TARGET_FLOAT:
		printf("f%" PRIu64, t.size);
		return;
	case TARGET_PTR:
		/* What it points to may point back. */
		printf(t.is_user ? "user*" : "*");
		return;
	case TARGET_ARRAY:
		printf("[%" PRIu64 ":%" PRIu64 "]", t.count, t.size);
		print_type(s, t.to, true);
		return;
	case TARGET_STRUCT:
	case TARGET_UNION:
		printf("%s %s:%" PRIu64, t.kind == TARGET_UNION ? "union" : "struct",
		       t.name, t.size);
		if (!inside || !*t.name)
			print_members(s, id);
		return;
	case TARGET_ENUM:
		printf("enum %s:%c%" PRIu64, t.name, t.is_signed ? 's' : 'u', t.size);
		return;
	case TARGET_FUNC:
		printf("func");
		return;
	}
}

/* A pointer with what it points to. */
static void print_pointer(struct btf_set *s, target_type_id id)
{
	struct target_type t;

	print_type(s, id, true);
	if (btf_describe(s, id, &t) == 0 && t.kind == TARGET_PTR) {
		putchar(' ');
		print_type(s, t.to, true);
	}
}

static int print_param(const struct target_param *p, void *arg)
{
	printf("%s ", p->name);
	print_pointer(arg, p->type);
	putchar(';');
	return 0;
}

static int print_value(const char *name, int64_t value, void *arg)
{
	(void)arg;
	printf("%s=%" PRId64 ";", name, value);
	return 0;
}

static int print_name(const char *name, void *arg)
{
	(void)arg;
	printf("%s ", name);
	return 0;
}

static enum type_tag tag_of(const char *word)
{
	if (strcmp(word, "struct") == 0)
		return TAG_STRUCT;
	if (strcmp(word, "union") == 0)
		return TAG_UNION;
	return strcmp(word, "enum") == 0 ? TAG_ENUM : TAG_NONE;
}

static int answer_type(struct btf_set *s, const char *word, const char *name)
{
	target_type_id id;
	int err = btf_find(s, tag_of(word), name, &id);

	if (err)
		return err;
	if (tag_of(word) == TAG_NONE)
		print_pointer(s, id);
	else
		print_type(s, id, false);
	return tag_of(word) == TAG_ENUM ? btf_values(s, id, print_value, NULL) : 0;
}

/* "return 0;" for what has this number; the kernel checks that it is one of its kind. */
static int load(enum bpf_attach_type type, uint32_t id, int btf_fd)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type,
		    .attach_btf_id = id, .attach_btf_obj_fd = (uint32_t)btf_fd);
	int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "memql_try", "GPL", insns,
			       sizeof(insns) / sizeof(insns[0]), &opts);

	if (fd < 0)
		return -errno;
	close(fd);
	printf("loaded");
	return 0;
}

static int answer_load(struct btf_set *s, const char *word, const char *name)
{
	bool is_iter = strcmp(word, "load_iter") == 0;
	uint32_t id;
	int fd, err;

	err = is_iter ? btf_function_id(s, NULL, name, &id, &fd)
		      : btf_raw_tracepoint_id(s, name, &id, &fd);
	return err ? err : load(is_iter ? BPF_TRACE_ITER : BPF_TRACE_RAW_TP, id, fd);
}

static int answer(struct btf_set *s, const char *word, const char *name)
{
	target_type_id id;
	int64_t value;
	int err;

	if (strcmp(word, "constant") == 0) {
		err = btf_constant(s, name, &value, &id);
		if (!err) {
			printf("%" PRId64 " ", value);
			print_type(s, id, true);
		}
		return err;
	}
	if (strcmp(word, "function") == 0) {
		err = btf_function_params(s, NULL, name, print_param, s, &id);
		if (!err)
			print_pointer(s, id);
		return err;
	}
	if (strcmp(word, "raw_tracepoint") == 0)
		return btf_raw_tracepoint_params(s, name, print_param, s);
	if (strncmp(word, "load_", 5) == 0)
		return answer_load(s, word, name);
	if (strcmp(word, "list") == 0)
		return btf_type_names(s, tag_of(name), "*", print_name, NULL);
	return answer_type(s, word, name);
}

int main(int argc, char **argv)
{
	struct btf_set *s;
	char line[512], word[64], name[400];
	int err = btf_open(argc > 1 ? argv[1] : NULL, &s);

	while (!err && fgets(line, sizeof(line), stdin)) {
		int failed;

		if (sscanf(line, "%63s %399[^\n]", word, name) != 2)
			continue;
		printf("%s %s: ", word, name);
		failed = answer(s, word, name);
		if (failed)
			printf("error %d", failed);
		putchar('\n');
	}
	if (!err)
		btf_close(s);
	return err != 0;
}
