/* How numbers are written: one rule for programs, positional parameters and options. */
#ifndef MEMQL_NUMBER_H
#define MEMQL_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct number {
	uint64_t value; /* nanoseconds of a duration */
	bool is_duration;
};

enum number_result {
	NUMBER_OK,
	NUMBER_MALFORMED, /* not a number at all, or a digit that the base has not */
	NUMBER_SUFFIX,    /* what follows the digits is no suffix */
	NUMBER_TOO_LARGE, /* over 64 bits */
};

/*
 * Read all len bytes as an unsigned number: decimal, 0x hexadecimal or 0 octal; 1_000
 * and 1e6; C's suffixes (10UL), which mean nothing here; durations 1ns 1us 1ms 1s 1m 1h
 * 1d. *out is set for NUMBER_OK only.
 */
enum number_result number_parse(const char *s, size_t len, struct number *out);

#endif
