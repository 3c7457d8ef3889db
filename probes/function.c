#include "probes/function.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/compile.h"
#include "probes/arch.h"
#include "sema/target.h"

/* Of a function's code, how much is looked at before a probe skips its first bytes. */
enum { CODE_MAX = 1 << 16 };

/* The whole code of a function; NULL if it cannot be had. To be freed. */
static uint8_t *read_code(const struct target *t, const char *path,
			  const struct function *f)
{
	size_t size = f->size;
	uint64_t offset;
	uint8_t *code;

	if (!t->ops->code || size == 0 || size > CODE_MAX)
		return NULL;
	code = malloc(size);
	if (code && (t->ops->code(t, path, f->address, &offset, code, &size) < 0 ||
		     size != f->size)) {
		free(code);
		code = NULL;
	}
	return code;
}

size_t function_skip_entry(const struct target *t, const char *path,
			   const struct function *f)
{
	/* All of it: there may be a jump back. */
	uint8_t *code = read_code(t, path, f);
	size_t skip = code ? arch_native->entry_skip(code, f->size) : 0;

	free(code);
	return skip;
}

size_t function_cheaper(const struct target *t, const char *path,
			const struct function *f)
{
	uint8_t *code = read_code(t, path, f);
	size_t at = code ? arch_native->cheaper(code, f->size) : 0;

	free(code);
	return at;
}

bool function_begins_insn(const struct target *t, const char *path,
			  const struct function *f, uint64_t within, uint64_t *before,
			  uint64_t *after)
{
	uint8_t *code = read_code(t, path, f);
	size_t at = 0, len = 1;

	*before = *after = 0;
	while (code && at < within && len > 0) {
		len = arch_native->insn_length(code + at, f->size - at);
		*before = at;
		at += len;
		*after = at;
	}
	free(code);
	return !code || len == 0 || at == within;
}

struct around {
	struct compile *cc;
	uint64_t address;
	struct function found; /* name NULL: none */
};

static int look_around(const struct target_symbol *sym, void *arg)
{
	struct around *x = arg;

	if (sym->why || x->address < sym->address ||
	    x->address - sym->address >= sym->size)
		return 0;
	x->found.name = arena_strdup(x->cc->arena, sym->name);
	x->found.address = sym->address;
	x->found.offset = sym->offset;
	x->found.size = sym->size;
	return 1;
}

int function_around(struct compile *cc, const char *path, uint64_t address,
		    struct function *out)
{
	const struct target *t = cc->target;
	struct around x = { .cc = cc, .address = address };
	int err = t->ops->symbols(t, path, look_around, &x);

	if (err < 0)
		return err;
	*out = x.found;
	return 0;
}
