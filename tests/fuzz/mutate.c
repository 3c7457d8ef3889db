/* Programs to begin with, and how they are changed. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

static uint64_t rnd(struct fuzz *f)
{
	f->state ^= f->state << 13;
	f->state ^= f->state >> 7;
	f->state ^= f->state << 17;
	return f->state;
}

size_t fuzz_below(struct fuzz *f, size_t n)
{
	return n ? (size_t)(rnd(f) % n) : 0;
}

static void die(const char *what, const char *which)
{
	fprintf(stderr, "fuzz: %s %s: %s\n", what, which, strerror(errno));
	exit(2);
}

struct fuzz_text fuzz_read(const char *path)
{
	struct fuzz_text t = { .bytes = malloc(FUZZ_INPUT_MAX + 1) };
	FILE *fp = fopen(path, "r");

	if (!fp)
		die("cannot read", path);
	t.len = fread(t.bytes, 1, FUZZ_INPUT_MAX / 4, fp);
	fclose(fp);
	return t;
}

static void add_text(struct fuzz *f, struct fuzz_text t)
{
	if (f->n == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 64;
		f->items = realloc(f->items, f->cap * sizeof(t));
	}
	f->items[f->n++] = t;
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), e = strlen(end);

	return n >= e && strcmp(name + n - e, end) == 0;
}

void fuzz_add_folder(struct fuzz *f, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	char name[4096];

	if (!dir)
		die("cannot read", path);
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
		if (d->d_type == DT_DIR)
			fuzz_add_folder(f, name);
		else if (ends_with(name, ".mq") || ends_with(name, ".bt"))
			add_text(f, fuzz_read(name));
	}
	closedir(dir);
}

static void replace(struct fuzz *f, size_t at, size_t remove, const char *bytes,
		    size_t add)
{
	if (at + remove > f->len)
		remove = f->len - at;
	if (f->len - remove + add >= FUZZ_INPUT_MAX)
		return;
	memmove(f->bytes + at + add, f->bytes + at + remove, f->len - at - remove);
	memmove(f->bytes + at, bytes, add);
	f->len += add - remove;
}

/* A piece of another program, by words: that is how grammars break. */
static void splice_words(struct fuzz *f)
{
	const struct fuzz_text *from = &f->items[fuzz_below(f, f->n)];
	size_t begin = fuzz_below(f, from->len), len = fuzz_below(f, 40);

	while (begin > 0 && strchr(" \n\t(){};", from->bytes[begin - 1]) == NULL)
		begin--;
	while (begin + len < from->len &&
	       strchr(" \n\t(){};", from->bytes[begin + len]) == NULL)
		len++;
	if (begin + len > from->len)
		len = from->len - begin;
	replace(f, fuzz_below(f, f->len + 1), fuzz_below(f, 3) ? 0 : fuzz_below(f, 40),
		from->bytes + begin, len);
}

/* clang-format off */
static const char *const words[] = {
	"{", "}", "(", ")", "[", "]", ";", "/", "@x", "@", "$x", "$1", "if (", "else",
	"while", "for ($i : 0..", "..", ".0", "->", "&", "*", "\"", "/*", "//", "1e6",
	"0x", "18446744073709551616", "-1", "10ms", "struct", "union", "enum",
	"typedef", "typeof(", "sizeof(", "offsetof(", "macro m($a, @b, c) {", "m(",
	"let @l = hash(1);", "let ", "import \"", "import \"imported\"",
	"import \"imports.mq\";", "config = {", "#define A ", "#if A", "#else",
	"#endif", "#include <x>", "BEGIN {", "args.", "(1, 2)", "(x = 1)", "unroll (",
	"break;", "continue;", "return;", "count()", "hist(", "\\\n", "printf(\"%s",
	"(uint8[8])", "(struct task_struct *)", "\xff", "\xe2\x80\xae", ",",
};
/* clang-format on */

static void splice_word(struct fuzz *f)
{
	const char *w = words[fuzz_below(f, sizeof(words) / sizeof(words[0]))];

	replace(f, fuzz_below(f, f->len + 1), fuzz_below(f, 2) ? 0 : fuzz_below(f, 8),
		w, strlen(w));
}

/* A piece many times: nesting, long lists. */
static void repeat(struct fuzz *f)
{
	size_t at = fuzz_below(f, f->len), len = 1 + fuzz_below(f, 12),
	       times = fuzz_below(f, 400);
	char piece[16];

	if (at + len > f->len)
		return;
	memcpy(piece, f->bytes + at, len);
	for (size_t i = 0; i < times; i++)
		replace(f, at, 0, piece, len);
}

struct word {
	char kind; /* a letter, a digit, $ or @: its first byte; or ' ' if there is none */
	size_t begin, len;
};

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || c == '@';
}

/* The word around a byte. */
static struct word word_at(const char *bytes, size_t size, size_t at)
{
	size_t begin = at, end = at;
	char kind = ' ';

	while (begin > 0 && is_word_byte(bytes[begin - 1]))
		begin--;
	while (end < size && is_word_byte(bytes[end]))
		end++;
	if (end > begin)
		kind = isalpha((unsigned char)bytes[begin])   ? 'a'
		       : isdigit((unsigned char)bytes[begin]) ? '1'
							      : bytes[begin];
	return (struct word){ kind, begin, end - begin };
}

/* Another word of the same kind: what was a program mostly is one still. */
static void swap_word(struct fuzz *f)
{
	const struct fuzz_text *from = &f->items[fuzz_below(f, f->n)];
	const struct word old = word_at(f->bytes, f->len, fuzz_below(f, f->len));

	for (int tries = 0; tries < 20 && old.kind != ' '; tries++) {
		const struct word w =
			word_at(from->bytes, from->len, fuzz_below(f, from->len));

		if (w.kind == old.kind) {
			replace(f, old.begin, old.len, from->bytes + w.begin, w.len);
			return;
		}
	}
}

/* The length of the bracket that opens at a byte, with all that is in it; 0: none. */
static size_t bracket_len(const char *bytes, size_t size, size_t at)
{
	static const char open[] = "({[", close[] = ")}]";
	size_t depth = 0;

	for (size_t i = at; i < size && i < at + 2000; i++) {
		if (memchr(open, bytes[i], 3))
			depth++;
		else if (memchr(close, bytes[i], 3) && depth-- == 1)
			return i + 1 - at;
		if (depth == 0)
			return 0;
	}
	return 0;
}

/* One bracket of another program in the place of one of the same kind. */
static void swap_brackets(struct fuzz *f)
{
	const struct fuzz_text *from = &f->items[fuzz_below(f, f->n)];

	for (int tries = 0; tries < 100; tries++) {
		const size_t at = fuzz_below(f, f->len),
			     other = fuzz_below(f, from->len);
		size_t len, other_len;

		if (f->bytes[at] != from->bytes[other])
			continue;
		len = bracket_len(f->bytes, f->len, at);
		other_len = bracket_len(from->bytes, from->len, other);
		if (!len || !other_len)
			continue;
		replace(f, at, len, from->bytes + other, other_len);
		return;
	}
}

void fuzz_begin(struct fuzz *f)
{
	const struct fuzz_text *t = &f->items[fuzz_below(f, f->n)];

	memcpy(f->bytes, t->bytes, t->len);
	f->len = t->len;
	f->bytes[f->len] = '\0';
}

/* Most changes leave a program a program: what is none only tries the parser. */
static void change(struct fuzz *f)
{
	const size_t at = fuzz_below(f, f->len), which = fuzz_below(f, 24);

	if (which == 0 && f->len)
		f->bytes[at] = (char)rnd(f);
	else if (which <= 1)
		replace(f, at, 1 + fuzz_below(f, 30), "", 0);
	else if (which <= 2)
		replace(f, fuzz_below(f, f->len), 0, f->bytes + at,
			fuzz_below(f, f->len - at));
	else if (which <= 3)
		repeat(f);
	else if (which <= 6)
		splice_words(f);
	else if (which <= 9)
		splice_word(f);
	else if (which <= 15)
		swap_brackets(f);
	else
		swap_word(f);
}

void fuzz_change(struct fuzz *f)
{
	change(f);
	f->bytes[f->len] = '\0';
}
