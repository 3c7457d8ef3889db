#include "probes/vars.h"

#include "codegen/emit.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "probes/probe.h"
#include "sema/sema.h"

static unsigned index_of(const struct program_info *p, const struct node *call)
{
	return (unsigned)(call->call.builtin - p->kind->vars);
}

/* A pointer is a number, as it is in C once it is in a register. */
static const struct type *as_number(const struct type *type)
{
	return type->kind == TYPE_INT ? type : &type_u64;
}

bool vars_check(struct sema *s, struct node *call)
{
	const struct program_info *p = s->program;
	const struct type *type = NULL;
	unsigned i = index_of(p, call);

	for (size_t k = 0; k < p->nlayouts; k++) {
		const struct probe_layout *l = &p->layouts[k];
		const struct probe_field *f = i < l->n ? &l->fields[i] : NULL;
		const struct type *own;

		if (!f)
			return sema_error(s, DIAG_no_such_argument, call->span,
					  "the probe has %zu argument%s, so there is "
					  "no '%s'",
					  l->n, l->n == 1 ? "" : "s", call->call.name);
		if (f->at.kind == LOC_UNREADABLE)
			return sema_error(s, DIAG_no_such_argument, call->span,
					  "'%s' cannot be read: %s", call->call.name,
					  f->at.why);
		own = as_number(f->type);
		type = type ? type_join(s->cc->arena, type, own) : own;
	}
	if (type)
		call->type = type;
	return true;
}

struct value vars_emit(struct emit *e, const struct node *call)
{
	return emit_field(e, index_of(emit_program(e), call), call->span);
}
