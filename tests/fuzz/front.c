/*
 * Fuzzes the compiler: the programs of the tests, changed, on the fake machine. Build it
 * with sanitizers:
 *
 *	cmake --preset asan && cmake --build build/asan --target fuzz_front
 *	build/asan/tests/fuzz_front SECONDS SEED tests scripts
 *
 * takes every .mq and .bt below "tests" and "scripts" for its corpus. Each input is in
 * fuzz-SEED.mq of the current directory while it is tried: what is there after a crash
 * is the culprit, which "fuzz_front FILE" tries again. An input that takes more than a
 * second of CPU time is a crash; memory that is lost is found by the leak sanitizer,
 * which looks at it now and then. guided.c finds more where there is clang.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#if defined(__SANITIZE_ADDRESS__)
int __lsan_do_recoverable_leak_check(void);
#else
static int __lsan_do_recoverable_leak_check(void)
{
	return 0;
}
#endif

enum { LEAK_CHECK_EVERY = 20000 };

/* The input is in a file, which survives a crash. */
static char *map_input(const char *seed)
{
	char name[64], *bytes;
	int fd;

	snprintf(name, sizeof(name), "fuzz-%s.mq", seed);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, FUZZ_INPUT_MAX + 1)) {
		fprintf(stderr, "fuzz: cannot write %s: %s\n", name, strerror(errno));
		exit(2);
	}
	bytes = mmap(NULL, FUZZ_INPUT_MAX + 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		     0);
	if (bytes == MAP_FAILED)
		exit(2);
	close(fd);
	return bytes;
}

static void try_again(struct fuzz *f, const char *path)
{
	const struct fuzz_text t = fuzz_read(path);

	f->bytes = t.bytes;
	f->len = strnlen(t.bytes, t.len);
	f->bytes[f->len] = '\0';
	fuzz_try(f);
	free(t.bytes);
}

static void try_many(struct fuzz *f, time_t seconds)
{
	time_t end = time(NULL) + seconds;
	unsigned long runs = 0;

	while (time(NULL) < end) {
		fuzz_begin(f);
		for (size_t n = 1 + fuzz_below(f, fuzz_below(f, 4) ? 3 : 12); n; n--)
			fuzz_change(f);
		fuzz_try(f);
		if (++runs % LEAK_CHECK_EVERY == 0 &&
		    __lsan_do_recoverable_leak_check())
			exit(1);
	}
	printf("%lu runs from %zu programs in %ld s: no crash, no hang\n", runs, f->n,
	       (long)seconds);
}

int main(int argc, char **argv)
{
	struct fuzz f;

	if (argc != 2 && argc < 4) {
		fprintf(stderr, "usage: fuzz_front SECONDS SEED FOLDER...\n"
				"       fuzz_front FILE\n");
		return 2;
	}
	fuzz_open(&f, TESTS_DIR);
	if (argc == 2) {
		try_again(&f, argv[1]);
	} else {
		f.state = strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15 + 1;
		for (int i = 3; i < argc; i++)
			fuzz_add_folder(&f, argv[i]);
		f.bytes = map_input(argv[2]);
		try_many(&f, atol(argv[1]));
		munmap(f.bytes, FUZZ_INPUT_MAX + 1);
	}
	fuzz_close(&f);
	return 0;
}
