/*
 * 100,000 to 200,000 lines such as "ffffffff81001234 t name\t[module]": read in large
 * pieces and taken apart by hand, since sscanf(3) would take four times as long as the
 * kernel does to write them.
 */
#include "runtime/kallsyms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 64 << 10 };

/* Up to the end of the hexadecimal number; at least one digit, or NULL. */
static char *read_hex(char *p, uint64_t *out)
{
	const char *start = p;

	for (*out = 0;; p++) {
		unsigned digit;

		if (*p >= '0' && *p <= '9')
			digit = (unsigned)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			digit = (unsigned)(*p - 'a') + 10;
		else
			return p == start ? NULL : p;
		*out = *out << 4 | digit;
	}
}

/* A line without its end; its bytes are changed. */
static bool read_line(char *line, struct kallsyms_symbol *out)
{
	char *p = read_hex(line, &out->address);

	if (!p || p[0] != ' ' || !p[1] || p[2] != ' ')
		return false;
	out->type = p[1];
	out->name = p += 3;
	out->module = KALLSYMS_VMLINUX;
	p += strcspn(p, "\t");
	if (p == out->name)
		return false;
	if (*p) {
		*p++ = '\0';
		if (*p != '[')
			return false;
		out->module = ++p;
		p[strcspn(p, "]")] = '\0';
	}
	return true;
}

/* The whole lines in a buffer that ends with NUL; *used is set to their length. */
static int read_lines(char *buffer, size_t *used,
		      int (*found)(const struct kallsyms_symbol *s, void *arg),
		      void *arg)
{
	char *line = buffer, *end;
	int err = 0;

	for (; !err && (end = strchr(line, '\n')); line = end + 1) {
		struct kallsyms_symbol s;

		*end = '\0';
		if (read_line(line, &s))
			err = found(&s, arg);
	}
	*used = (size_t)(line - buffer);
	return err;
}

int kallsyms_each(const char *path,
		  int (*found)(const struct kallsyms_symbol *s, void *arg), void *arg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	char *buffer = malloc(BUFFER + 1);
	size_t have = 0, used;
	ssize_t n = 0;

	if (fd < 0)
		err = -errno;
	else if (!buffer)
		err = -ENOMEM;
	while (!err) {
		n = read(fd, buffer + have, BUFFER - have);
		if (n <= 0)
			break;
		have += (size_t)n;
		buffer[have] = '\0';
		err = read_lines(buffer, &used, found, arg);
		have -= used;
		memmove(buffer, buffer + used, have);
		/* No line is as long: this is some other file. */
		if (!err && have == BUFFER)
			err = -EINVAL;
	}
	if (!err && n < 0)
		err = -errno;
	free(buffer);
	if (fd >= 0)
		close(fd);
	return err;
}

struct search {
	const char *name;
	uint64_t address;
	bool found, visible;
};

static int look_for(const struct kallsyms_symbol *s, void *arg)
{
	struct search *search = arg;

	search->visible |= s->address != 0;
	if (strcmp(s->name, search->name) != 0)
		return 0;
	search->found = true;
	search->address = s->address;
	/* The offset of a variable in the memory of each CPU may be 0, too. */
	return s->address != 0 || search->visible;
}

int kallsyms_find(const char *path, const char *name, uint64_t *address)
{
	struct search search = { .name = name };
	int err = kallsyms_each(path, look_for, &search);

	if (err < 0)
		return err;
	if (!search.found)
		return -ENOENT;
	if (!search.visible)
		return -EACCES;
	*address = search.address;
	return 0;
}

struct entry {
	uint64_t address;
	uint32_t name, module; /* in texts */
	uint32_t rank;         /* in the file */
	char type;
};

struct kallsyms {
	struct entry *entries;
	size_t n, cap;
	char *texts; /* each ends with NUL */
	size_t texts_size, texts_cap;
	uint32_t module; /* the latest one's text */
	bool unsorted;
};

/* A copy among the texts; -errno or 0. */
static int add_text(struct kallsyms *k, const char *text, uint32_t *out)
{
	size_t size = strlen(text) + 1;

	if (k->texts_size + size > k->texts_cap) {
		size_t cap = k->texts_cap ? k->texts_cap * 2 : 4 << 20;
		char *texts = realloc(k->texts, cap);

		if (!texts || cap > UINT32_MAX)
			return -ENOMEM;
		k->texts = texts;
		k->texts_cap = cap;
	}
	memcpy(k->texts + k->texts_size, text, size);
	*out = (uint32_t)k->texts_size;
	k->texts_size += size;
	return 0;
}

static int add_symbol(const struct kallsyms_symbol *s, void *arg)
{
	struct kallsyms *k = arg;
	struct entry e = {
		.address = s->address,
		.type = s->type,
		.rank = (uint32_t)k->n,
	};
	int err;

	/* Offsets in the memory of each CPU: nothing is at these addresses. */
	if (s->type == 'A' || s->type == 'a' || !s->address)
		return 0;
	if (k->n == k->cap) {
		size_t cap = k->cap ? k->cap * 2 : 1 << 17;
		struct entry *entries = realloc(k->entries, cap * sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		k->entries = entries;
		k->cap = cap;
	}
	if (k->n == 0 || strcmp(k->texts + k->module, s->module) != 0) {
		err = add_text(k, s->module, &k->module);
		if (err)
			return err;
	}
	e.module = k->module;
	err = add_text(k, s->name, &e.name);
	if (err)
		return err;
	k->unsorted |= k->n > 0 && k->entries[k->n - 1].address > e.address;
	k->entries[k->n++] = e;
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->rank < y->rank ? -1 : 1;
}

int kallsyms_open(const char *path, struct kallsyms **out)
{
	struct kallsyms *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	err = kallsyms_each(path, add_symbol, k);
	if (!err && k->n == 0)
		err = -EACCES;
	if (err) {
		kallsyms_close(k);
		return err;
	}
	if (k->unsorted)
		qsort(k->entries, k->n, sizeof(*k->entries), compare_entries);
	*out = k;
	return 0;
}

bool kallsyms_at(const struct kallsyms *k, uint64_t address,
		 struct kallsyms_symbol *out)
{
	size_t first = 0, n = k->n;
	const struct entry *e;

	/* How many are at or below the address. */
	while (n > 0) {
		size_t half = n / 2;

		if (k->entries[first + half].address <= address) {
			first += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	if (first == 0)
		return false;
	e = &k->entries[first - 1];
	while (e > k->entries && e[-1].address == e->address)
		e--;
	*out = (struct kallsyms_symbol){
		.address = e->address,
		.type = e->type,
		.name = k->texts + e->name,
		.module = k->texts + e->module,
	};
	return true;
}

void kallsyms_close(struct kallsyms *k)
{
	if (!k)
		return;
	free(k->entries);
	free(k->texts);
	free(k);
}
