/*
 * Work for the tests in runtime/ to trace: it does what a line of standard input says,
 * exactly as often as it says, and then answers with a line. What memql reports can so
 * be compared with what happened, without any of memql's code in between.
 *
 * syscalls N     getppid(2) N times         values N SEED  load_value() of each next()
 * calls N        load_call(i), i < N        pair N         load_pair_a(), load_pair_b()
 * work N         the USDT probe load:work   enabled        its semaphore
 * text HEX N     load_text() of the bytes   bad N          load_text() of no memory
 * keys N         load_value(i), i < N       name HEX       this thread's name
 * store N        writes a variable N times  where          the variable's address
 * wait           nothing: "ok" shows that it runs
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

/* What <sys/sdt.h> expects for STAP_PROBE of load:work; the kernel counts tracers. */
unsigned short load_work_semaphore __attribute__((section(".probes")));

int load_call(uint64_t n);
uint64_t load_value(uint64_t value);
void load_text(const char *text);
void load_pair_a(void);
void load_pair_b(void);

/* What watchpoints watch; aligned, as they want it. */
static volatile uint64_t load_stored __attribute__((aligned(8)));

#define TRACED __attribute__((noinline, noclone))

TRACED int load_call(uint64_t n)
{
	__asm__ volatile("" : : "r"(n) : "memory");
	return (int)(n & 0xff) - 100; /* negative for some */
}

TRACED uint64_t load_value(uint64_t value)
{
	__asm__ volatile("" : "+r"(value) : : "memory");
	return value;
}

TRACED void load_text(const char *text)
{
	__asm__ volatile("" : : "r"(text) : "memory");
}

TRACED void load_pair_a(void)
{
	__asm__ volatile("" : : : "memory");
}

TRACED void load_pair_b(void)
{
	__asm__ volatile("nop" : : : "memory");
}

/* Two sites of one probe, with operands of different kinds. */
TRACED static void work(uint64_t i, const char *text)
{
	int32_t negative = -(int32_t)i;

	if (i % 4 == 3)
		STAP_PROBE3(load, work, -7, "constant", (uint8_t)200);
	else
		STAP_PROBE3(load, work, negative, text, (uint8_t)i);
}

/* xorshift64: the tests compute the same values. */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Spread over the powers of two up to 2^36. */
static void values(uint64_t n, uint64_t seed)
{
	while (n--) {
		uint64_t x = next(&seed);

		load_value((x >> 20) >> (x & 31));
	}
}

/* Bytes from hexadecimal digits, NUL-terminated. */
static char *unhex(const char *hex)
{
	static char bytes[32768];
	size_t n = 0;

	for (; hex[0] && hex[1] && n + 1 < sizeof(bytes); hex += 2) {
		char digits[3] = { hex[0], hex[1], '\0' };

		bytes[n++] = (char)strtoul(digits, NULL, 16);
	}
	bytes[n] = '\0';
	return bytes;
}

static uint64_t number(const char *text)
{
	return text ? strtoull(text, NULL, 10) : 0;
}

/* Whether there is such a work. */
static int run(const char *what, const char *first, const char *second)
{
	uint64_t n = number(first);

	if (!strcmp(what, "syscalls")) {
		while (n--)
			syscall(SYS_getppid);
	} else if (!strcmp(what, "calls")) {
		for (uint64_t i = 0; i < n; i++)
			load_call(i);
	} else if (!strcmp(what, "keys")) {
		for (uint64_t i = 0; i < n; i++)
			load_value(i);
	} else if (!strcmp(what, "pair")) {
		while (n--) {
			load_pair_a();
			load_pair_b();
		}
	} else if (!strcmp(what, "values")) {
		values(n, number(second));
	} else if (!strcmp(what, "work")) {
		for (uint64_t i = 0; i < n; i++)
			work(i, "variable");
	} else if (!strcmp(what, "text")) {
		char *text = unhex(first);

		for (n = number(second); n; n--)
			load_text(text);
	} else if (!strcmp(what, "bad")) {
		while (n--)
			load_text((const char *)8);
	} else if (!strcmp(what, "store")) {
		for (uint64_t i = 0; i < n; i++)
			load_stored = i;
	} else if (!strcmp(what, "name")) {
		prctl(PR_SET_NAME, unhex(first));
	} else if (strcmp(what, "wait") != 0) {
		return 0;
	}
	return 1;
}

int main(void)
{
	static char line[70000];
	volatile unsigned short *semaphore = &load_work_semaphore;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		char *what = strtok(line, " \n");
		char *first = strtok(NULL, " \n"), *second = strtok(NULL, " \n");

		if (what && !strcmp(what, "enabled"))
			printf("%u\n", *semaphore);
		else if (what && !strcmp(what, "where"))
			printf("%#" PRIxPTR "\n", (uintptr_t)&load_stored);
		else if (what && run(what, first ? first : "", second))
			puts("ok");
		else
			puts("what?");
	}
	return 0;
}
