/* Places in a text, and files that are no text. */
#include "core/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "test.h"

static void check_place(const struct source *s, uint32_t offset, uint32_t line,
			uint32_t column)
{
	struct place p = source_place(s, offset);

	CHECK_INT_EQ(p.line, line);
	CHECK_INT_EQ(p.column, column);
}

static void offsets_become_places(struct arena *a)
{
	const struct source *s = source_new(a, "n", "ab\n\nc\n", 6);

	CHECK_INT_EQ(s->nlines, 4);
	check_place(s, 0, 1, 1);
	check_place(s, 1, 1, 2);
	check_place(s, 2, 1, 3); /* the newline ends its line */
	check_place(s, 3, 2, 1);
	check_place(s, 4, 3, 1);
	check_place(s, 6, 4, 1);
	check_place(s, 99, 4, 1); /* beyond the end is the end */

	s = source_new(a, "n", "", 0);
	CHECK_INT_EQ(s->nlines, 1);
	check_place(s, 0, 1, 1);
}

static void text_is_copied(struct arena *a)
{
	char text[] = "abcdef";
	const struct source *s = source_new(a, "n", text, 3);

	text[0] = 'x';
	CHECK_STR_EQ(s->text, "abc");
	CHECK_INT_EQ(s->len, 3);
}

/* Places in copies lead back to the body and to the call. */
static void copies_have_places(struct arena *a)
{
	const struct source *s = source_new(a, "n", "macro\nbody\ncall\n", 16);
	const struct span body = { 6, 10 }, call = { 11, 15 };
	uint32_t first = source_copy(a, s, body, call, "m");
	uint32_t second = source_copy(a, s, body, (struct span){ 6, 7 }, "n");
	struct span in = { body.begin + first + 1, body.begin + first + 3 }, at;
	const char *name = NULL;

	CHECK(first > 0 && second > first);
	check_place(s, in.begin, 2, 2);
	CHECK_INT_EQ(source_written(s, in).begin, 7);
	CHECK_INT_EQ(source_written(s, in).end, 9);
	CHECK_INT_EQ(source_written(s, call).begin, call.begin);
	CHECK(strncmp(source_text(s, in), "ody", 3) == 0);
	CHECK(source_call(s, in, &at, &name));
	CHECK_INT_EQ(at.begin, call.begin);
	CHECK_STR_EQ(name, "m");
	in.begin = body.end + second; /* just behind the body: still in the copy */
	CHECK(source_call(s, in, &at, &name));
	CHECK_STR_EQ(name, "n");
	CHECK(!source_call(s, call, &at, &name));
	CHECK(!source_call(s, SPAN_NOWHERE, &at, &name));
	CHECK_INT_EQ(source_copy(a, s, (struct span){ 0, UINT32_MAX - 20 }, call, "m"),
		     0);
}

/* Each file counts its own lines. */
static void files_follow_each_other(struct arena *a)
{
	const struct source *s = source_new(a, "one", "a\nb", 3);
	struct place p;

	s = source_add(a, s, source_new(a, "two", "cd\nef\n", 6));
	s = source_add(a, s, source_new(a, "three", "", 0));
	CHECK_STR_EQ(s->text, "a\nb\ncd\nef\n\n");
	CHECK_INT_EQ(s->nfiles, 3);
	p = source_place(s, 8);
	CHECK_STR_EQ(p.name, "two");
	CHECK_INT_EQ(p.line, 2);
	CHECK_INT_EQ(p.column, 2);
	CHECK_INT_EQ(source_line(s, 8).begin, 7);
	CHECK_INT_EQ(source_line(s, 8).end, 9);
	CHECK_STR_EQ(source_place(s, 3).name, "one");
	CHECK_STR_EQ(source_place(s, s->len).name, "three");
	CHECK_INT_EQ(source_place(s, s->len).line, 1);
}

static void too_long_together(struct arena *a)
{
	char *text = malloc(SOURCE_MAX / 2);
	const struct source *half;

	memset(text, ' ', SOURCE_MAX / 2);
	half = source_new(a, "n", text, SOURCE_MAX / 2);
	CHECK(!source_add(a, half, half));
	CHECK(source_add(a, half, source_new(a, "n", text, SOURCE_MAX / 2 - 1)));
	free(text);
}

static void spans_join(void)
{
	struct span s = span_join((struct span){ 5, 7 }, (struct span){ 2, 6 });

	CHECK_INT_EQ(s.begin, 2);
	CHECK_INT_EQ(s.end, 7);
}

/* What source_read() makes of a file with these bytes; a tail of zeroes up to size. */
static int read_bytes(struct arena *a, const char *bytes, size_t len, off_t size)
{
	char path[] = "/tmp/memql-source-XXXXXX";
	const struct source *s = NULL;
	int fd = mkstemp(path), err;

	CHECK(fd >= 0);
	CHECK_INT_EQ(write(fd, bytes, len), len);
	if (size > 0)
		CHECK_INT_EQ(ftruncate(fd, size), 0);
	close(fd);
	err = source_read(a, path, &s);
	unlink(path);
	CHECK((err == 0) == (s != NULL));
	if (!err) {
		CHECK_STR_EQ(s->name, path);
		CHECK_INT_EQ(s->len, len);
		CHECK(memcmp(s->text, bytes, len) == 0);
	}
	return err;
}

static void files_are_read(struct arena *a)
{
	const struct source *s = NULL;

	CHECK_INT_EQ(read_bytes(a, "BEGIN { }\n", 10, 0), 0);
	CHECK_INT_EQ(read_bytes(a, "", 0, 0), 0);
	CHECK_INT_EQ(read_bytes(a, "a\0b", 3, 0), -EILSEQ);
	CHECK_INT_EQ(read_bytes(a, "a", 1, SOURCE_MAX + 1), -EFBIG);
	CHECK_INT_EQ(read_bytes(a, "a", 1, SOURCE_MAX), -EILSEQ);
	CHECK_INT_EQ(source_read(a, "/", &s), -EISDIR);
	CHECK_INT_EQ(source_read(a, "/no/such/file", &s), -ENOENT);
	CHECK_INT_EQ(source_read(a, "/dev/zero", &s), -EFBIG);
	CHECK(s == NULL);
}

static void standard_input_is_read(struct arena *a)
{
	const struct source *s = NULL;
	int fds[2];

	CHECK_INT_EQ(pipe(fds), 0);
	CHECK_INT_EQ(write(fds[1], "END { }", 7), 7);
	close(fds[1]);
	CHECK(dup2(fds[0], STDIN_FILENO) >= 0);
	close(fds[0]);
	CHECK_INT_EQ(source_read(a, "-", &s), 0);
	CHECK_STR_EQ(s->text, "END { }");
	CHECK_STR_EQ(s->name, "<stdin>");
}

static void check_words(struct arena *a, const char *text, size_t max, const char *want)
{
	CHECK_STR_EQ(source_words(a, text, strlen(text), max), want);
}

static void words_are_on_one_line(struct arena *a)
{
	check_words(a, "", 4, "");
	check_words(a, "a\n\t  b\r\n", 9, "a b ");
	check_words(a, "abcd", 4, "abcd");
	check_words(a, "abcde", 4, "abcd...");
	check_words(a, "ab\xc3\xa9", 4, "ab\xc3\xa9");
	check_words(a, "abc\xc3\xa9", 4, "abc...");
	check_words(a, "\xf0\x9f\x98\x80", 3, "...");
	check_words(a, "\x80\x80\x80", 2, "...");
}

int main(void)
{
	struct arena *a = arena_new();

	offsets_become_places(a);
	text_is_copied(a);
	copies_have_places(a);
	files_follow_each_other(a);
	too_long_together(a);
	spans_join();
	words_are_on_one_line(a);
	files_are_read(a);
	standard_input_is_read(a);
	arena_free(a);
	return test_failures();
}
