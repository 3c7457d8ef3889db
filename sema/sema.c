/* The port that rows see; see sema.h. */
#include "sema/sema.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "core/number.h"

bool sema_error(struct sema *s, enum diag_tag tag, struct span at, const char *fmt, ...)
{
	va_list ap;

	if (!s->report)
		return false;
	va_start(ap, fmt);
	diag(s->cc, tag, at, "%s", arena_vprintf(s->cc->arena, fmt, ap));
	va_end(ap);
	return false;
}

struct node *call_arg(const struct node *call, size_t i)
{
	return node_at(call->call.args, i);
}

const char *constant_str(struct sema *s, struct node *n)
{
	const char *text;

	if (n->kind == NODE_INT && n->integer.text) {
		text = n->integer.text;
		n->kind = NODE_STR;
		n->string.bytes = intern_str(s->cc->names, text);
		n->string.len = (uint32_t)strlen(text);
		n->type = type_str(s->cc->arena, n->string.len);
	}
	return n->kind == NODE_STR ? n->string.bytes : NULL;
}

bool parse_number(const char *text, uint64_t *value, enum unit *unit)
{
	struct number number;

	if (number_parse(text, strlen(text), &number) != NUMBER_OK)
		return false;
	*value = number.value;
	*unit = number.is_duration ? UNIT_NS : UNIT_NONE;
	return true;
}

/*
 * Where a value may stand as well, an entry is one if it holds a value. The cells of an
 * aggregation are none: user space reads them.
 */
bool param_takes_map(const struct param *p, const struct node *arg)
{
	if (arg->kind != NODE_MAP || !(p->flags & (PARAM_MAP | PARAM_ENTRY)))
		return false;
	if (!arg->map.has_keys)
		return true;
	if (p->flags & PARAM_VALUE)
		return arg->map.info && arg->map.info->agg;
	return p->flags & PARAM_ENTRY;
}

struct node *action_arg(const struct node *call, size_t i)
{
	const struct param *p = call->call.builtin->params;

	for (struct node *arg = call->call.args; arg && p->name; arg = arg->next) {
		struct node *first = arg;
		size_t n = 1;

		if (param_takes_map(p, arg)) {
			first = arg->map.keys;
			n = node_count(first);
		} else if (p->flags & PARAM_LITERAL) {
			n = 0;
		}
		if (i < n)
			return node_at(first, i);
		i -= n;
		if (!(p->flags & PARAM_REST))
			p++;
	}
	return NULL;
}
