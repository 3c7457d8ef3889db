/*
 * C++ is left to the library that every C++ program has in it. The function used here is
 * the one for callers that have no memory: it hands out pieces of text, so that a name
 * from a file that anybody could make cannot take all memory or all day. Some names of a
 * hundred bytes mean texts of gigabytes, and LLVM's demangler and __cxa_demangle() build
 * them.
 *
 * Before its present scheme, Rust used that of C++ with a hash as the last part of the
 * name and with escapes for what identifiers of C++ cannot have.
 */
#include "runtime/demangle.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sink.h"
#include "runtime/unicode.h"

/* Part of libstdc++ since GCC 4.3; no header declares it. Returns 0 if it succeeds. */
int __gcclibcxx_demangle_callback(const char *name,
				  void (*piece)(const char *text, size_t len,
						void *arg),
				  void *arg);

struct cpp {
	struct text *out;
	size_t start;
	jmp_buf too_long;
};

static void add_piece(const char *text, size_t len, void *arg)
{
	struct cpp *c = arg;

	if (c->out->len - c->start + len > DEMANGLE_MAX)
		longjmp(c->too_long, 1);
	text_add(c->out, text, len);
}

static void cut(struct text *t, size_t len)
{
	t->len = len;
	if (t->bytes)
		t->bytes[len] = '\0';
}

static bool demangle_cpp(const char *name, struct text *out)
{
	struct cpp c = { .out = out, .start = out->len };

	/* It owns nothing that would have to be freed. */
	if (!setjmp(c.too_long) &&
	    __gcclibcxx_demangle_callback(name, add_piece, &c) == 0)
		return true;
	cut(out, c.start);
	return false;
}

/* The parts of a name such as _ZN4core3fmt17h0123456789abcdefE. */
struct legacy {
	const char *begin, *end; /* of the parts but the hash */
};

static bool read_length(const char **p, size_t *len)
{
	const char *start = *p;

	for (*len = 0; isdigit((unsigned char)**p) && *p - start < 6; ++*p)
		*len = *len * 10 + (size_t)(**p - '0');
	return *p > start && strnlen(*p, *len) == *len;
}

static bool is_hash(const char *part, size_t len)
{
	return len == 17 && part[0] == 'h' &&
	       strspn(part + 1, "0123456789abcdef") >= len - 1;
}

static bool is_legacy_rust(const char *name, struct legacy *out)
{
	const char *p = name + 3, *part = p;
	size_t len = 0;

	if (strncmp(name, "_ZN", 3) != 0)
		return false;
	out->begin = p;
	while (isdigit((unsigned char)*p)) {
		out->end = p;
		if (!read_length(&p, &len))
			return false;
		part = p;
		p += len;
	}
	/* Behind it, LLVM may have put a suffix. */
	return *p == 'E' && (!p[1] || p[1] == '.') && is_hash(part, len) &&
	       out->end > out->begin;
}

static const struct {
	const char *escape, *means;
} escapes[] = {
	{ "$SP$", "@" }, { "$BP$", "*" }, { "$RF$", "&" },
	{ "$LT$", "<" }, { "$GT$", ">" }, { "$LP$", "(" },
	{ "$RP$", ")" }, { "$C$", "," },  { "..", "::" },
};

/* Adds what stands at p, and returns how many bytes that is. */
static size_t add_escape(const char *p, struct text *out)
{
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		size_t len = strlen(escapes[i].escape);

		if (strncmp(p, escapes[i].escape, len) == 0) {
			text_add(out, escapes[i].means, strlen(escapes[i].means));
			return len;
		}
	}
	if (p[0] == '$' && p[1] == 'u' && isxdigit((unsigned char)p[2])) {
		char bytes[UNICODE_UTF8_MAX], *end;
		unsigned long c = strtoul(p + 2, &end, 16);

		if (*end == '$' && c >= ' ' && c < 0x110000) {
			text_add(out, bytes, unicode_utf8((uint32_t)c, bytes));
			return (size_t)(end + 1 - p);
		}
	}
	text_add(out, p, 1);
	return 1;
}

static bool demangle_legacy_rust(const struct legacy *name, struct text *out)
{
	const char *p = name->begin;
	size_t len;

	while (p < name->end && read_length(&p, &len)) {
		const char *end = p + len;

		/* An underscore makes an escape the beginning of an identifier. */
		if (len > 1 && p[0] == '_' && p[1] == '$')
			p++;
		while (p < end)
			p += add_escape(p, out);
		p = end;
		if (p < name->end)
			text_add(out, "::", 2);
	}
	return true;
}

bool demangle(const char *name, struct text *out)
{
	struct legacy legacy;

	if (name[0] != '_' || strlen(name) > DEMANGLE_MAX)
		return false;
	if (name[1] == 'R')
		return demangle_rust(name, out);
	if (is_legacy_rust(name, &legacy))
		return demangle_legacy_rust(&legacy, out);
	return name[1] == 'Z' && demangle_cpp(name, out);
}
