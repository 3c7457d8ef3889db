#include "probes/registers.h"

#include <string.h>

#include "core/arena.h"
#include "probes/arch.h"

struct probe_layout registers_entry(struct arena *a)
{
	struct probe_field *f = ARENA_ARRAY(a, struct probe_field, REGISTERS_ARGS);
	const struct arch *arch = arch_native;
	size_t i;

	for (i = 0; i < REGISTERS_ARGS; i++) {
		f[i].type = &type_u64;
		f[i].hidden = true; /* every function has them */
		f[i].at.size = arch->word;
		f[i].at.index = LOC_NO_REGISTER;
		f[i].at.scale = 1;
		if (i < arch->nargs) {
			f[i].at.kind = LOC_REGISTER;
			f[i].at.base = arch->args[i];
		} else {
			f[i].at.kind = LOC_MEMORY;
			f[i].at.base = arch->stack;
			f[i].at.value = arch->stack_args +
					(int64_t)(i - arch->nargs) * arch->word;
		}
	}
	return (struct probe_layout){ .fields = f, .n = REGISTERS_ARGS };
}

struct probe_layout registers_inside(struct arena *a)
{
	struct probe_layout layout = registers_entry(a);
	struct probe_field *f = ARENA_ARRAY(a, struct probe_field, layout.n);
	size_t i;

	memcpy(f, layout.fields, layout.n * sizeof(*f));
	for (i = 0; i < layout.n; i++) {
		if (f[i].at.kind != LOC_MEMORY)
			continue;
		f[i].at.kind = LOC_UNREADABLE;
		f[i].at.why =
			"arguments on the stack are found only where the function "
			"starts";
	}
	layout.fields = f;
	return layout;
}

struct probe_layout registers_return(struct arena *a)
{
	struct probe_field *f = ARENA_NEW(a, struct probe_field);

	f->name = "retval";
	f->hidden = true;
	f->type = &type_u64;
	f->at.kind = LOC_REGISTER;
	f->at.size = arch_native->word;
	f->at.base = arch_native->result;
	return (struct probe_layout){ .fields = f, .n = 1 };
}
