#include "core/source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"

/* Places begin .. begin + the body's length are those of the body. */
struct copy {
	uint32_t begin;
	struct span body, call;
	const char *name; /* of the macro */
};

struct source_copies {
	struct copy *items; /* in the order of begin */
	size_t n, cap;
};

static void find_lines(struct arena *a, struct source *s)
{
	uint32_t *starts;
	uint32_t n = 1;

	for (uint32_t i = 0; i < s->len; i++)
		n += s->text[i] == '\n';
	starts = ARENA_ARRAY(a, uint32_t, n);
	n = 1;
	for (uint32_t i = 0; i < s->len; i++) {
		if (s->text[i] == '\n')
			starts[n++] = i + 1;
	}
	s->line_start = starts;
	s->nlines = n;
}

const struct source *source_new(struct arena *a, const char *name, const char *text,
				uint32_t len)
{
	struct source *s = ARENA_NEW(a, struct source);

	assert(len <= SOURCE_MAX);
	s->name = arena_strdup(a, name);
	s->text = arena_strndup(a, text, len);
	s->len = len;
	s->copies = ARENA_NEW(a, struct source_copies);
	s->files = ARENA_NEW(a, struct source_file);
	s->nfiles = 1;
	s->files[0].name = s->name;
	s->files[0].text.end = len;
	find_lines(a, s);
	return s;
}

const struct source *source_add(struct arena *a, const struct source *s,
				const struct source *file)
{
	const uint32_t begin = s->len + 1;
	struct source *all = ARENA_NEW(a, struct source);
	char *text;

	if (file->len > SOURCE_MAX - 1 || begin > SOURCE_MAX - file->len)
		return NULL;
	*all = *s;
	all->len = begin + file->len;
	text = arena_alloc(a, all->len + 1);
	memcpy(text, s->text, s->len);
	text[s->len] = '\n';
	memcpy(text + begin, file->text, file->len);
	all->text = text;
	all->files = ARENA_ARRAY(a, struct source_file, s->nfiles + 1);
	memcpy(all->files, s->files, s->nfiles * sizeof(*s->files));
	all->files[all->nfiles++] =
		(struct source_file){ file->name, { begin, all->len } };
	find_lines(a, all);
	return all;
}

/* Fill up to size bytes; a pipe gives them in pieces. Returns how many, or -errno. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, buf + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

static int read_text(struct arena *a, int fd, const char *name,
		     const struct source **out)
{
	const size_t room = SOURCE_MAX + 1; /* one more shows that there is more */
	struct stat st;
	char *buf;
	ssize_t len;
	int err = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISREG(st.st_mode) && st.st_size > SOURCE_MAX)
		return -EFBIG;

	buf = malloc(room);
	if (!buf)
		return -ENOMEM;
	len = read_all(fd, buf, room);
	if (len < 0)
		err = (int)len;
	else if (len > SOURCE_MAX)
		err = -EFBIG;
	else if (memchr(buf, '\0', (size_t)len))
		err = -EILSEQ;
	else
		*out = source_new(a, name, buf, (uint32_t)len);
	free(buf);
	return err;
}

int source_read(struct arena *a, const char *path, const struct source **out)
{
	int fd, err;

	if (strcmp(path, "-") == 0)
		return read_text(a, STDIN_FILENO, "<stdin>", out);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = read_text(a, fd, path, out);
	close(fd);
	return err;
}

uint32_t source_copy(struct arena *a, const struct source *s, struct span body,
		     struct span call, const char *name)
{
	struct source_copies *copies = s->copies;
	struct copy copy = { s->len + 1, body, call, name };

	if (copies->n > 0) {
		const struct copy *last = &copies->items[copies->n - 1];

		copy.begin = last->begin + (last->body.end - last->body.begin) + 1;
	}
	if (UINT32_MAX - 1 - copy.begin < body.end - body.begin)
		return 0;
	ARENA_PUSH(a, copies, copy);
	return copy.begin - body.begin;
}

/* The copy that the place is in, or NULL. */
static const struct copy *find_copy(const struct source *s, uint32_t offset)
{
	const struct source_copies *copies = s->copies;
	size_t low = 0, high = copies->n;

	if (high == 0 || offset < copies->items[0].begin || offset == UINT32_MAX)
		return NULL;
	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;

		if (copies->items[middle].begin <= offset)
			low = middle;
		else
			high = middle;
	}
	return &copies->items[low];
}

struct span source_written(const struct source *s, struct span at)
{
	const struct copy *c = find_copy(s, at.begin);

	if (!c)
		return at;
	return (struct span){
		c->body.begin + (at.begin - c->begin),
		c->body.begin + (at.end - c->begin),
	};
}

const char *source_text(const struct source *s, struct span at)
{
	return s->text + source_written(s, at).begin;
}

bool source_call(const struct source *s, struct span at, struct span *call,
		 const char **name)
{
	const struct copy *c = find_copy(s, at.begin);

	if (!c)
		return false;
	*call = c->call;
	*name = c->name;
	return true;
}

/* The index of the last line that starts at or before the offset. */
static uint32_t find_line(const struct source *s, uint32_t offset)
{
	uint32_t low = 0, high = s->nlines;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (s->line_start[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static uint32_t written_offset(const struct source *s, uint32_t offset)
{
	offset = source_written(s, (struct span){ offset, offset }).begin;
	return offset < s->len ? offset : s->len;
}

struct place source_place(const struct source *s, uint32_t offset)
{
	const struct source_file *file = &s->files[0];
	uint32_t line;

	offset = written_offset(s, offset);
	for (size_t i = 1; i < s->nfiles && s->files[i].text.begin <= offset; i++)
		file = &s->files[i];
	line = find_line(s, offset);
	return (struct place){
		.name = file->name,
		.line = line - find_line(s, file->text.begin) + 1,
		.column = offset - s->line_start[line] + 1,
	};
}

struct span source_line(const struct source *s, uint32_t offset)
{
	const uint32_t line = find_line(s, written_offset(s, offset));

	return (struct span){
		s->line_start[line],
		line + 1 < s->nlines ? s->line_start[line + 1] - 1 : s->len,
	};
}

char *source_words(struct arena *a, const char *text, size_t len, size_t max)
{
	char *out = arena_alloc(a, (len < max ? len : max) + sizeof("..."));
	size_t n = 0, i;

	for (i = 0; i < len && n < max; i++) {
		if (!strchr(" \t\n\r", text[i]))
			out[n++] = text[i];
		else if (n && out[n - 1] != ' ')
			out[n++] = ' ';
	}
	/* What continues a character is 10xxxxxx. */
	while (i < len && i && n && ((unsigned char)text[i] & 0xc0) == 0x80) {
		i--;
		n--;
	}
	memcpy(out + n, i < len ? "..." : "", i < len ? sizeof("...") : 1);
	return out;
}

struct span span_join(struct span a, struct span b)
{
	return (struct span){
		a.begin < b.begin ? a.begin : b.begin,
		a.end > b.end ? a.end : b.end,
	};
}
