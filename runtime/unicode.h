/* Characters beyond ASCII in names of functions. */
#ifndef MEMQL_UNICODE_H
#define MEMQL_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UNICODE_UTF8_MAX = 4, UNICODE_PUNYCODE_MAX = 128 };

/* Writes a character as UTF-8, and returns how many bytes it takes. */
size_t unicode_utf8(uint32_t c, char out[UNICODE_UTF8_MAX]);

/*
 * Identifiers spelled in ASCII (RFC 3492, with "_" between the parts, as Rust has it): out
 * takes up to UNICODE_PUNYCODE_MAX characters. False if it is none, or longer.
 */
bool unicode_punycode(const char *bytes, size_t len, uint32_t *out, size_t *n);

#endif
