/*
 * The same as front.c under libFuzzer, which keeps what reached new code and goes on from
 * there. Needs clang; no test does.
 *
 *	cmake --preset guided && cmake --build build/guided --target fuzz_guided
 *	mkdir found && build/guided/tests/fuzz_guided -max_total_time=600 -max_len=4096 found
 *
 * It begins with the programs of tests/ and scripts/ by itself. What crashes is in
 * crash-HASH of the current directory: "fuzz_guided FILE", or fuzz_front, tries it again.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

const char *__asan_default_options(void);

/* LLVM's operator new is libstdc++'s, which is linked statically, not the sanitizer's. */
const char *__asan_default_options(void)
{
	return "alloc_dealloc_mismatch=0";
}

static struct fuzz fuzz;
static char input[FUZZ_INPUT_MAX + 1];

static void close_fuzz(void)
{
	fuzz_close(&fuzz);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_open(&fuzz, TESTS_DIR);
	fuzz.bytes = input;
	fuzz_add_folder(&fuzz, TESTS_DIR);
	fuzz_add_folder(&fuzz, TESTS_DIR "/../scripts");
	return atexit(close_fuzz);
}

static void set_input(const uint8_t *data, size_t size)
{
	fuzz.len = size < FUZZ_INPUT_MAX ? size : FUZZ_INPUT_MAX;
	memcpy(input, data, fuzz.len);
	input[fuzz.len] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	set_input(data, size);
	fuzz.len = strlen(input);
	fuzz_try(&fuzz);
	return 0;
}

/* Its own changes are worth as much as ours: it knows what the code compares with. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	fuzz.state = ((uint64_t)seed << 1 | 1) * 0x9e3779b97f4a7c15;
	if (fuzz_below(&fuzz, 4) == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	set_input(data, size);
	if (size < 8 || fuzz_below(&fuzz, 32) == 0)
		fuzz_begin(&fuzz);
	for (size_t n = 1 + fuzz_below(&fuzz, 3); n; n--)
		fuzz_change(&fuzz);
	if (fuzz.len > max_size)
		fuzz.len = max_size;
	memcpy(data, input, fuzz.len);
	return fuzz.len;
}
