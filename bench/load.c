/*
 * The events that the benchmark counts: each line of standard input says what to do and
 * how often, perhaps how many a second, and after how many seconds to give up. The answer
 * is the nanoseconds that it took, and how many they were.
 *
 * getppid N   a system call without arguments      access N   one with a path
 * lseek N     one with a number, 0 to N - 1        work N     the USDT probe bench:work
 * call N      bench_call(), which begins with a nop
 * threads N   getppid, by a thousand threads in turn
 *
 * "load tick": getppid(2) every 200 us, until standard input ends.
 */
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <fcntl.h>
/* Arguments in registers, whichever compiler it is. */
#define STAP_SDT_ARG_CONSTRAINT r
#include <sys/sdt.h>

/* A nop is the cheapest instruction to probe: the kernel need not step over it. */
__attribute__((noinline)) void bench_call(uint64_t n);
__asm__(".text\n.globl bench_call\n.type bench_call, @function\n"
	"bench_call:\n\tnop\n\tret\n.size bench_call, . - bench_call\n");

/* A thousand of them, to attach to: many_0 to many_999. */
__asm__(".altmacro\n"
	".macro many_one number\n"
	".globl many_\\number\n.type many_\\number, @function\n"
	"many_\\number:\n\tnop\n\tret\n.size many_\\number, . - many_\\number\n"
	".endm\n"
	".set next, 0\n.rept 1000\n\tmany_one %next\n\t.set next, next + 1\n.endr\n"
	".noaltmacro\n");

/* Ten thousand places of the USDT probe bench:many, as <sys/sdt.h> notes them. */
__asm__(".text\nmany_places:\n.rept 10000\n"
	"990:\tnop\n"
	".pushsection .note.stapsdt, \"\", \"note\"\n"
	"\t.balign 4\n\t.4byte 992f - 991f, 994f - 993f, 3\n"
	"991:\t.asciz \"stapsdt\"\n992:\t.balign 4\n"
	"993:\t.8byte 990b, _.stapsdt.base, 0\n"
	"\t.asciz \"bench\"\n\t.asciz \"many\"\n\t.asciz \"\"\n"
	"994:\t.balign 4\n.popsection\n"
	".endr\n\tret\n");

static void access_file(uint64_t i)
{
	(void)i;
	syscall(SYS_faccessat, AT_FDCWD, "/proc/self/no-such-file", F_OK);
}

static void get_parent(uint64_t i)
{
	(void)i;
	syscall(SYS_getppid);
}

static void seek(uint64_t i)
{
	syscall(SYS_lseek, STDIN_FILENO, i, SEEK_SET); /* a pipe: refused at once */
}

__attribute__((noinline)) static void work(uint64_t i)
{
	STAP_PROBE2(bench, work, i, "text");
}

static const struct {
	const char *name;
	void (*once)(uint64_t i);
} works[] = {
	{ "getppid", get_parent }, { "lseek", seek },      { "access", access_file },
	{ "work", work },          { "call", bench_call },
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* How many there were. With a rate, not more than so many per second, 64 at a time. */
static uint64_t repeat(void (*once)(uint64_t i), uint64_t n, uint64_t rate,
		       uint64_t seconds)
{
	uint64_t begin = now(), i;

	for (i = 0; i < n; i++) {
		while (rate && i % 64 == 0 && i * 1000000000 / rate > now() - begin)
			;
		if (seconds && i % 64 == 0 && now() - begin > seconds * 1000000000)
			break;
		once(i);
	}
	return i;
}

enum { THREADS = 1000 };

static void *in_thread(void *n)
{
	for (uint64_t i = 0; i < *(const uint64_t *)n; i++)
		get_parent(i);
	return NULL;
}

static void repeat_in_threads(uint64_t n)
{
	static pthread_t threads[THREADS];
	uint64_t each = n / THREADS + 1;
	size_t i;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, in_thread, &each))
			break;
	while (i-- > 0)
		pthread_join(threads[i], NULL);
}

/* Until standard input ends. */
static void tick(void)
{
	const struct timespec pause = { .tv_nsec = 200000 };
	struct pollfd input = { .fd = STDIN_FILENO };

	while (ppoll(&input, 1, &pause, NULL) == 0)
		get_parent(0);
}

int main(int argc, char **argv)
{
	char line[128], name[32];

	if (argc > 1 && !strcmp(argv[1], "tick")) {
		tick();
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t n, rate = 0, seconds = 0, begin = now();

		if (sscanf(line, "%31s %" SCNu64 " %" SCNu64 " %" SCNu64, name, &n,
			   &rate, &seconds) < 2)
			return 1;
		if (!strcmp(name, "threads"))
			repeat_in_threads(n);
		for (size_t i = 0; i < sizeof(works) / sizeof(*works); i++)
			if (!strcmp(works[i].name, name))
				n = repeat(works[i].once, n, rate, seconds);
		printf("%" PRIu64 " %" PRIu64 "\n", now() - begin, n);
	}
	return 0;
}
