/*
 * Lines such as "7f5c1a000000-7f5c1a195000 r-xp 00026000 fe:01 1054 /usr/lib/libc.so.6".
 * Taken apart by hand: all processes of a machine have a hundred thousand of them.
 */
#include "runtime/proc_maps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a number and the byte that ends it; NULL if it is not there. */
static char *read_number(char *p, unsigned base, char end, uint64_t *out)
{
	const char *start = p;

	for (*out = 0;; p++) {
		unsigned digit;

		if (*p >= '0' && *p <= '9')
			digit = (unsigned)(*p - '0');
		else if (base == 16 && *p >= 'a' && *p <= 'f')
			digit = (unsigned)(*p - 'a') + 10;
		else
			break;
		*out = *out * base + digit;
	}
	return p > start && *p == end ? p + 1 : NULL;
}

/* The kernel writes a newline in a name as \012, and nothing else that way. */
static void unescape(char *name)
{
	char *to = name;

	for (const char *from = name; *from;) {
		if (strncmp(from, "\\012", 4) == 0) {
			*to++ = '\n';
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

static bool parse(char *line, struct proc_mapping *m)
{
	uint64_t major = 0, minor = 0;
	char *p = read_number(line, 16, '-', &m->start), *name;

	if (p)
		p = read_number(p, 16, ' ', &m->end);
	if (!p || strnlen(p, 5) < 5 || p[4] != ' ')
		return false;
	m->executable = p[2] == 'x';
	p = read_number(p + 5, 16, ' ', &m->offset);
	if (p)
		p = read_number(p, 16, ':', &major);
	if (p)
		p = read_number(p, 16, ' ', &minor);
	if (p) /* without a name, older kernels end the line right behind the number */
		p = read_number(p, 10, p[strspn(p, "0123456789")], &m->inode);
	if (!p)
		return false;
	m->major = (uint32_t)major;
	m->minor = (uint32_t)minor;
	name = p[-1] == ' ' ? p + strspn(p, " ") : p - 1;
	name[strcspn(name, "\n")] = '\0';
	if (strchr(name, '\\'))
		unescape(name);
	m->name = name;
	return true;
}

int proc_maps_each(int32_t pid, int (*found)(const struct proc_mapping *m, void *arg),
		   void *arg)
{
	char path[64];
	char *line = NULL;
	size_t cap = 0;
	FILE *fp;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%" PRId32 "/maps", pid);
	fp = fopen(path, "re");
	if (!fp)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!err && getline(&line, &cap, fp) > 0) {
		struct proc_mapping m;

		if (parse(line, &m))
			err = found(&m, arg);
	}
	if (!err && ferror(fp))
		err = -errno; /* it ends just now */
	free(line);
	fclose(fp);
	return err;
}

bool proc_maps_cut_deleted(char *name)
{
	static const char mark[] = " (deleted)";
	size_t len = strlen(name), cut = strlen(mark);

	if (len <= cut || strcmp(name + len - cut, mark) != 0)
		return false;
	name[len - cut] = '\0';
	return true;
}
