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

static int add_name(struct kernel_names *k, const char *module, const char *name,
		    uint64_t address)
{
	struct kernel_name *last = k->n ? &k->items[k->n - 1] : NULL;
	struct kernel_name item = { .address = address };
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
	FILE *fp = fopen(KPROBES_BLACKLIST_PATH, "re");
	char *line = NULL;
	size_t cap = 0;
	int err = 0;

	/* "0xffffffff81000000-0xffffffff81000010\tname" */
	while (fp && !err && getline(&line, &cap, fp) > 0) {
		char *name = strchr(line, '\t');

		if (!name++)
			continue;
		name[strcspn(name, " \t\n")] = '\0';
		err = add_name(out, KALLSYMS_VMLINUX, name, 0);
	}
	free(line);
	if (fp)
		fclose(fp);
	return err;
}

/* By name, then module, then address. */
static int compare_names(const void *a, const void *b, void *texts)
{
	const struct kernel_name *x = a, *y = b;
	const char *t = texts;
	int c = strcmp(t + x->name, t + y->name);

	if (!c)
		c = strcmp(t + x->module, t + y->module);
	return c ? c : (x->address > y->address) - (x->address < y->address);
}

void kernel_names_sort(struct kernel_names *k)
{
	if (k->n > 0)
		qsort_r(k->items, k->n, sizeof(*k->items), compare_names, k->texts);
}

static int compare_with(const struct kernel_names *k, const struct kernel_name *item,
			const char *module, const char *name)
{
	int c = strcmp(k->texts + item->name, name);

	return c ? c : strcmp(k->texts + item->module, module);
}

const struct kernel_name *kernel_names_find(const struct kernel_names *sorted,
					    const char *module, const char *name,
					    size_t *n)
{
	size_t first = 0, left = sorted->n;

	while (left > 0) {
		size_t half = left / 2;

		if (compare_with(sorted, &sorted->items[first + half], module, name) <
		    0) {
			first += half + 1;
			left -= half + 1;
		} else {
			left = half;
		}
	}
	for (*n = 0; first + *n < sorted->n; ++*n)
		if (compare_with(sorted, &sorted->items[first + *n], module, name) != 0)
			break;
	return *n ? &sorted->items[first] : NULL;
}

static bool has_name(const struct kernel_names *sorted, const char *module,
		     const char *name)
{
	size_t n;

	return kernel_names_find(sorted, module, name, &n) != NULL;
}

/* Of functions that were discarded after the kernel had started. */
static bool is_invalid(const char *name)
{
	return strncmp(name, "__ftrace_invalid", 16) == 0;
}

/*
 * "name" or "name [module]", perhaps with more in parentheses; in some files an address
 * stands before it.
 */
static int read_patchable(const char *file, bool addresses,
			  const struct kernel_names *without, struct kernel_names *out)
{
	FILE *fp = open_tracefs(file);
	char *line = NULL;
	size_t cap = 0;
	int err = 0;

	if (!fp)
		return -errno;
	while (!err && getline(&line, &cap, fp) > 0) {
		const char *module = KALLSYMS_VMLINUX;
		char *name = line, *end, *open;
		uint64_t address = 0;

		if (addresses) {
			address = strtoull(line, &name, 16);
			name += strspn(name, " ");
		}
		end = name + strcspn(name, " \t\n");
		open = strchr(end, '[');
		*end = '\0';
		if (open) {
			module = open + 1;
			open[strcspn(open, "]")] = '\0';
		}
		if (!is_invalid(name) && !has_name(without, KALLSYMS_VMLINUX, name))
			err = add_name(out, module, name, address);
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
	    (c->without && has_name(c->without, KALLSYMS_VMLINUX, s->name)))
		return 0;
	return add_name(c->out, s->module, s->name, s->address);
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

	kernel_names_sort(&blacklist);
	if (!err)
		err = read_patchable("available_filter_functions", false, &blacklist,
				     out);
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

/* Symbols of one address, as they follow each other in the list. */
struct alias_search {
	const struct kernel_names *sorted;
	struct kernel_names *out;
	struct kernel_names group;
	uint64_t address;
};

static const char *listed_name(const struct alias_search *s)
{
	const struct kernel_names *g = &s->group;

	for (size_t i = 0; i < g->n; i++)
		if (has_name(s->sorted, g->texts + g->items[i].module,
			     g->texts + g->items[i].name))
			return g->texts + g->items[i].name;
	return NULL;
}

static int end_group(struct alias_search *s)
{
	const char *listed = s->group.n > 1 ? listed_name(s) : NULL;
	struct kernel_names *g = &s->group;
	uint32_t at = 0;
	int err = listed ? add_text(s->out, listed, &at) : 0;

	for (size_t i = 0; listed && i < g->n && !err; i++) {
		const char *name = g->texts + g->items[i].name;

		if (strcmp(name, listed) == 0)
			continue;
		err = add_name(s->out, g->texts + g->items[i].module, name, s->address);
		if (!err)
			s->out->items[s->out->n - 1].listed = at;
	}
	g->n = 0;
	g->texts_size = 0;
	return err;
}

static int collect_alias(const struct kallsyms_symbol *symbol, void *arg)
{
	struct alias_search *s = arg;
	int err = 0;

	if (!strchr("tTwW", symbol->type) || !symbol->address)
		return 0;
	if (symbol->address != s->address)
		err = end_group(s);
	s->address = symbol->address;
	return err ? err
		   : add_name(&s->group, symbol->module, symbol->name, symbol->address);
}

int kernel_functions_read_aliases(const char *path, const struct kernel_names *list,
				  struct kernel_names *out)
{
	struct kernel_names sorted = *list;
	struct alias_search s = { .sorted = &sorted, .out = out };
	int err;

	/* The list itself stays in the kernel's order. */
	sorted.items = malloc((list->n + 1) * sizeof(*sorted.items));
	if (!sorted.items)
		return -ENOMEM;
	if (list->n > 0)
		memcpy(sorted.items, list->items, list->n * sizeof(*sorted.items));
	kernel_names_sort(&sorted);
	err = kallsyms_each(path, collect_alias, &s);
	if (!err)
		err = end_group(&s);
	kernel_names_free(&s.group);
	free(sorted.items);
	return err;
}

int kernel_aliases_each(const struct kernel_names *k, const char *module,
			const char *name,
			int (*found)(const char *module, const char *name, void *arg),
			void *arg)
{
	uint32_t reported = UINT32_MAX;
	int err = 0;

	for (size_t i = 0; i < k->n && !err; i++) {
		const struct kernel_name *this = &k->items[i];

		if (this->listed == reported ||
		    !glob_match(name, k->texts + this->name) ||
		    !glob_match(module, k->texts + this->module) ||
		    glob_match(name, k->texts + this->listed))
			continue;
		reported = this->listed;
		err = found(k->texts + this->module, k->texts + this->name, arg);
	}
	return err;
}

int kernel_functions_read_addresses(struct kernel_names *out)
{
	const struct kernel_names all = { 0 };
	int err = read_patchable("available_filter_functions_addrs", true, &all, out);

	if (err && err != -ENOMEM) {
		kernel_names_free(out);
		err = kernel_functions_read_symbols(KALLSYMS_PATH, out);
	}
	if (!err && (!out->n || !out->items[0].address))
		err = -EACCES;
	if (!err)
		kernel_names_sort(out);
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
	return add_name(arg, s->module, s->name + len, s->address);
}

int kernel_tracepoints_read(const char *path, struct kernel_names *out)
{
	return kallsyms_each(path, collect_tracepoint, out);
}
