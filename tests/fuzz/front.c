/*
 * Fuzzes the front end: programs of the corpus, changed, go through lexer, parser, macros,
 * names, types, folding and plan, on the fake machine. Build it with sanitizers:
 *
 *	cmake --preset asan && cmake --build build/asan --target fuzz_front
 *	build/asan/tests/fuzz_front SECONDS SEED tests/fake_target.txt tests
 *
 * takes every .mq and .bt below "tests" for its corpus. Each input is in fuzz-SEED.mq of the
 * current directory while it is tried: what is there after a crash is the culprit, which
 * the same command with that file as its only argument tries again. An input that takes
 * more than a second of CPU time ends the run, as a hang; memory that is lost is found
 * by the leak sanitizer, which looks at it now and then.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/compile.h"
#include "core/source.h"
#include "parser/ast.h"
#include "sema/sema.h"
#include "tests/fake_target.h"

#if defined(__SANITIZE_ADDRESS__)
int __lsan_do_recoverable_leak_check(void);
#else
static int __lsan_do_recoverable_leak_check(void)
{
	return 0;
}
#endif

enum { INPUT_MAX = 64 << 10, LEAK_CHECK_EVERY = 20000, HANG_SECONDS = 1 };

struct text {
	char *bytes;
	size_t len;
};

static struct {
	struct text *items;
	size_t n, cap;
} corpus;

/* What is being tried, in a file that survives a crash. */
static char *current;
static size_t current_len;
static uint64_t state;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static size_t below(size_t n)
{
	return n ? (size_t)(rnd() % n) : 0;
}

static void die(const char *what, const char *which)
{
	fprintf(stderr, "fuzz_front: %s %s: %s\n", what, which, strerror(errno));
	exit(2);
}

static struct text read_file(const char *path)
{
	struct text t = { .bytes = malloc(INPUT_MAX) };
	FILE *fp = fopen(path, "r");

	if (!fp)
		die("cannot read", path);
	t.len = fread(t.bytes, 1, INPUT_MAX / 4, fp);
	fclose(fp);
	return t;
}

static void add_text(struct text t)
{
	if (corpus.n == corpus.cap) {
		corpus.cap = corpus.cap ? 2 * corpus.cap : 64;
		corpus.items = realloc(corpus.items, corpus.cap * sizeof(t));
	}
	corpus.items[corpus.n++] = t;
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), e = strlen(end);

	return n >= e && strcmp(name + n - e, end) == 0;
}

static void add_folder(const char *path)
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
			add_folder(name);
		else if (ends_with(name, ".mq") || ends_with(name, ".bt"))
			add_text(read_file(name));
	}
	closedir(dir);
}

/* Mutation. */

static void replace(size_t at, size_t remove, const char *bytes, size_t add)
{
	if (at + remove > current_len)
		remove = current_len - at;
	if (current_len - remove + add >= INPUT_MAX)
		return;
	memmove(current + at + add, current + at + remove, current_len - at - remove);
	memmove(current + at, bytes, add);
	current_len += add - remove;
}

/* A piece of another program, by words: that is how grammars break. */
static void splice_words(void)
{
	const struct text *from = &corpus.items[below(corpus.n)];
	size_t begin = below(from->len), len = below(40);

	while (begin > 0 && strchr(" \n\t(){};", from->bytes[begin - 1]) == NULL)
		begin--;
	while (begin + len < from->len &&
	       strchr(" \n\t(){};", from->bytes[begin + len]) == NULL)
		len++;
	if (begin + len > from->len)
		len = from->len - begin;
	replace(below(current_len + 1), below(3) ? 0 : below(40), from->bytes + begin,
		len);
}

static const char *const words[] = {
	"{",
	"}",
	"(",
	")",
	"[",
	"]",
	";",
	"/",
	"@x",
	"@",
	"$x",
	"$1",
	"if (",
	"else",
	"while",
	"for ($i : 0..",
	"..",
	".0",
	"->",
	"&",
	"*",
	"\"",
	"/*",
	"//",
	"1e6",
	"0x",
	"18446744073709551616",
	"-1",
	"10ms",
	"struct",
	"union",
	"enum",
	"typedef",
	"typeof(",
	"sizeof(",
	"offsetof(",
	"macro m($a, @b, c) {",
	"m(",
	"let @l = hash(1);",
	"let ",
	"import \"",
	"config = {",
	"#define A ",
	"#if A",
	"#else",
	"#endif",
	"#include <x>",
	"BEGIN {",
	"args.",
	"(1, 2)",
	"(x = 1)",
	"unroll (",
	"break;",
	"continue;",
	"return;",
	"count()",
	"hist(",
	"\\\n",
	"printf(\"%s",
	"(uint8[8])",
	"(struct task_struct *)",
	"\xff",
	"\xe2\x80\xae",
	",",
};

static void splice_word(void)
{
	const char *w = words[below(sizeof(words) / sizeof(words[0]))];

	replace(below(current_len + 1), below(2) ? 0 : below(8), w, strlen(w));
}

/* A piece many times: nesting, long lists. */
static void repeat(void)
{
	size_t at = below(current_len), len = 1 + below(12), times = below(400);
	char piece[16];

	if (at + len > current_len)
		return;
	memcpy(piece, current + at, len);
	for (size_t i = 0; i < times; i++)
		replace(at, 0, piece, len);
}

static void mutate(void)
{
	size_t at = below(current_len);

	switch (below(10)) {
	case 0:
		if (current_len)
			current[at] = (char)rnd();
		break;
	case 1:
		replace(at, 1 + below(30), "", 0);
		break;
	case 2:
		replace(below(current_len), 0, current + at, below(current_len - at));
		break;
	case 3:
		repeat();
		break;
	case 4:
	case 5:
	case 6:
		splice_words();
		break;
	default:
		splice_word();
		break;
	}
}

static void make_input(void)
{
	const struct text *t = &corpus.items[below(corpus.n)];

	memcpy(current, t->bytes, t->len);
	current_len = t->len;
	for (size_t n = 1 + below(6); n; n--)
		mutate();
	current[current_len] = '\0';
}

/* Trying. */

static void on_hang(int sig)
{
	static const char text[] = "fuzz_front: hang: more than a second\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(4);
	_exit(3);
}

static void try_input(const struct target *target, FILE *null)
{
	static char min[] = "--min=5", word[] = "word", number[] = "7";
	char *const args[] = { min, word, number, NULL };
	const struct compile_options options = { .args = args, .nargs = 3 };
	const struct itimerval limit = { .it_value.tv_sec = HANG_SECONDS },
			       none = { 0 };
	struct compile *cc = compile_new(target, &options);

	setitimer(ITIMER_VIRTUAL, &limit, NULL);
	cc->source = source_new(cc->arena, "fuzz", current, (uint32_t)current_len);
	if (parse(cc) && expand(cc) && resolve(cc) && infer(cc) && fold(cc))
		plan(cc);
	diag_render(cc, null, false, false);
	setitimer(ITIMER_VIRTUAL, &none, NULL);
	compile_free(cc);
}

static int open_current(const char *seed)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "fuzz-%s.mq", seed);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, INPUT_MAX + 1))
		die("cannot write", name);
	current = mmap(NULL, INPUT_MAX + 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (current == MAP_FAILED)
		die("cannot map", name);
	return fd;
}

static void again(const char *path, const struct target *target, FILE *null)
{
	struct text t = read_file(path);

	current = t.bytes;
	current_len = strnlen(t.bytes, t.len);
	current[current_len] = '\0';
	try_input(target, null);
	free(t.bytes);
}

static void fuzz(time_t seconds, const struct target *target, FILE *null)
{
	time_t end = time(NULL) + seconds;
	unsigned long runs = 0;

	while (time(NULL) < end) {
		make_input();
		try_input(target, null);
		if (++runs % LEAK_CHECK_EVERY == 0 &&
		    __lsan_do_recoverable_leak_check())
			exit(1);
	}
	printf("%lu runs from %zu programs in %ld s: no crash, no hang\n", runs,
	       corpus.n, (long)seconds);
}

int main(int argc, char **argv)
{
	FILE *null = fopen("/dev/null", "w");
	struct target *target;

	if (argc != 3 && argc < 5) {
		fprintf(stderr, "usage: fuzz_front SECONDS SEED MACHINE FOLDER...\n"
				"       fuzz_front MACHINE FILE\n");
		return 2;
	}
	signal(SIGVTALRM, on_hang);
	target = fake_target_open(argv[argc == 3 ? 1 : 3]);
	if (!target || !null)
		return 2;
	if (argc == 3) {
		again(argv[2], target, null);
	} else {
		state = strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15 + 1;
		for (int i = 4; i < argc; i++)
			add_folder(argv[i]);
		open_current(argv[2]);
		fuzz(atol(argv[1]), target, null);
	}
	for (size_t i = 0; i < corpus.n; i++)
		free(corpus.items[i].bytes);
	free(corpus.items);
	fake_target_close(target);
	fclose(null);
	return 0;
}
