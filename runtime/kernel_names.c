#include "runtime/kernel_names.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/probe.h"
#include "runtime/kallsyms.h"
#include "runtime/tracefs.h"

static int add_text(struct kernel_names *k, const char *text, uint32_t *out)
{
	size_t size = strlen(text) + 1;

	if (k->texts_size + size > k->texts_cap) {
		size_t cap = k->texts_cap ? k->texts_cap * 2 : 1 << 20;
		char *texts = realloc(k->texts, cap);

		if (!texts)
			return -ENOMEM;
		k->texts = texts;
		k->texts_cap = cap;
	}
	memcpy(k->texts + k->texts_size, text, size);
	*out = (uint32_t)k->texts_size;
	k->texts_size += size;
	return 0;
}

static int add_name(struct kernel_names *k, const char *module, const char *name)
{
	struct kernel_name *last = k->n ? &k->items[k->n - 1] : NULL, item;
	int err = 0;

	if (last && strcmp(k->texts + last->module, module) == 0)
		item.module = last->module;
	else
		err = add_text(k, module, &item.module);
	if (!err)
		err = add_text(k, name, &item.name);
	if (err)
		return err;
	if (k->n == k->cap) {
		size_t cap = k->cap ? k->cap * 2 : 1 << 15;
		struct kernel_name *items = realloc(k->items, cap * sizeof(*items));

		if (!items)
			return -ENOMEM;
		k->items = items;
		k->cap = cap;
	}
	k->items[k->n++] = item;
	return 0;
}

void kernel_names_free(struct kernel_names *k)
{
	free(k->items);
	free(k->texts);
	*k = (struct kernel_names){ 0 };
}

int kernel_names_each(const struct kernel_names *k, const char *module,
		      const char *name,
		      int (*found)(const char *module, const char *name, void *arg),
		      void *arg)
{
	bool exact = !glob_is_pattern(name), any_module = strcmp(module, "*") == 0;
	int err = 0;

	for (size_t i = 0; i < k->n && !err; i++) {
		const char *this = k->texts + k->items[i].name;
		const char *of = k->texts + k->items[i].module;

		if (exact ? strcmp(name, this) != 0 : !glob_match(name, this))
			continue;
		if (any_module || glob_match(module, of))
			err = found(of, this, arg);
	}
	return err;
}

/* Functions. */

/* Lines of a file; NULL with errno set. */
static FILE *open_tracefs(const char *name)
{
	char path[PATH_MAX];
	struct tracefs fs;
	FILE *fp;
	int err = tracefs_open(&fs);

	if (err) {
		errno = -err;
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/%s", fs.path, name);
	fp = fopen(path, "re");
	err = errno;
	tracefs_close(&fs);
	errno = err;
	return fp;
}

/*
 * What kprobes are kept from although the function tracer can patch it; empty if the
 * kernel does not say.
 */
static int read_blacklist(struct kernel_names *out)
{
	FILE *fp = fopen("/sys/kernel/debug/kprobes/blacklist", "re");
	char *line = NULL;
	size_t cap = 0;
	int err = 0;

	/* "0xffffffff81000000-0xffffffff81000010\tname" */
	while (fp && !err && getline(&line, &cap, fp) > 0) {
		char *name = strchr(line, '\t');

		if (!name++)
			continue;
		name[strcspn(name, " \t\n")] = '\0';
		err = add_name(out, KALLSYMS_VMLINUX, name);
	}
	free(line);
	if (fp)
		fclose(fp);
	return err;
}

static int compare_names(const void *a, const void *b, void *texts)
{
	const struct kernel_name *x = a, *y = b;

	return strcmp((const char *)texts + x->name, (const char *)texts + y->name);
}

static void sort_names(struct kernel_names *k)
{
	if (k->n > 0)
		qsort_r(k->items, k->n, sizeof(*k->items), compare_names, k->texts);
}

static bool has_name(const struct kernel_names *sorted, const char *name)
{
	size_t first = 0, n = sorted->n;

	while (n > 0) {
		size_t half = n / 2, at = first + half;
		int c = strcmp(name, sorted->texts + sorted->items[at].name);

		if (c == 0)
			return true;
		if (c > 0) {
			first = at + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return false;
}

/* Of functions that were discarded after the kernel had started. */
static bool is_invalid(const char *name)
{
	return strncmp(name, "__ftrace_invalid", 16) == 0;
}

/* "name" or "name [module]", perhaps with more in parentheses. */
static int read_patchable(const struct kernel_names *without, struct kernel_names *out)
{
	FILE *fp = open_tracefs("available_filter_functions");
	char *line = NULL;
	size_t cap = 0;
	int err = 0;

	if (!fp)
		return -errno;
	while (!err && getline(&line, &cap, fp) > 0) {
		const char *module = KALLSYMS_VMLINUX;
		char *end = line + strcspn(line, " \t\n"), *open;

		open = strchr(end, '[');
		*end = '\0';
		if (open) {
			module = open + 1;
			open[strcspn(open, "]")] = '\0';
		}
		if (!is_invalid(line) && !has_name(without, line))
			err = add_name(out, module, line);
	}
	if (!err && ferror(fp))
		err = -EIO;
	free(line);
	fclose(fp);
	return err;
}

struct collector {
	const struct kernel_names *without;
	struct kernel_names *out;
};

/* What the compiler, the linker or BPF put among the functions. */
static bool is_generated(const struct kallsyms_symbol *s)
{
	return strncmp(s->name, "__pfx_", 6) == 0 ||
	       strncmp(s->name, "__cfi_", 6) == 0 ||
	       strncmp(s->name, "__SCT__", 7) == 0 || strstr(s->name, ".cold") ||
	       strcmp(s->module, "bpf") == 0 ||
	       strncmp(s->module, "__builtin__", 11) == 0;
}

static int collect_function(const struct kallsyms_symbol *s, void *arg)
{
	struct collector *c = arg;

	if (!strchr("tTwW", s->type) || is_generated(s) ||
	    (c->without && has_name(c->without, s->name)))
		return 0;
	return add_name(c->out, s->module, s->name);
}

int kernel_functions_read_symbols(const char *path, struct kernel_names *out)
{
	struct collector c = { .out = out };

	return kallsyms_each(path, collect_function, &c);
}

int kernel_functions_read(struct kernel_names *out)
{
	struct kernel_names blacklist = { 0 };
	struct collector c = { .without = &blacklist, .out = out };
	int err = read_blacklist(&blacklist);

	sort_names(&blacklist);
	if (!err)
		err = read_patchable(&blacklist, out);
	/* Not only root may read the symbols, but nobody else may probe. */
	if (err == -EACCES && !geteuid())
		err = -ENOENT;
	if (err && err != -ENOMEM && err != -EACCES) {
		kernel_names_free(out);
		err = kallsyms_each(KALLSYMS_PATH, collect_function, &c);
	}
	kernel_names_free(&blacklist);
	return err;
}

/*
 * Tracepoints. Each has a function that calls who listens to it: that is the only complete
 * list. tracefs has some tracepoints without records not at all, and under other names
 * what are no tracepoints.
 */
static int collect_tracepoint(const struct kallsyms_symbol *s, void *arg)
{
	static const char prefix[] = "__traceiter_";
	const size_t len = sizeof(prefix) - 1;

	if (strncmp(s->name, prefix, len) != 0 || !s->name[len])
		return 0;
	return add_name(arg, s->module, s->name + len);
}

int kernel_tracepoints_read(const char *path, struct kernel_names *out)
{
	return kallsyms_each(path, collect_tracepoint, out);
}
