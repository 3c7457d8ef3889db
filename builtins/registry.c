#include "builtins/builtin.h"

#include <string.h>

#include "probes/probe.h"

/* One a line: what several add at a time does not meet. */
/* clang-format off */

/* In the order in which the reference presents them. */
static const struct builtin *const families[] = {
	process_builtins,
	task_builtins,
	kernel_builtins,
	name_builtins,
	cgroup_builtins,
	network_builtins,
	object_builtins,
	stack_builtins,
	address_builtins,
	time_builtins,
	string_builtins,
	sql_builtins,
	memory_builtins,
	packet_builtins,
	map_builtins,
	span_builtins,
	aggregation_builtins,
	series_builtins,
	action_builtins,
	message_builtins,
	system_builtins,
	type_builtins,
	check_builtins,
};
/* clang-format on */

enum { NFAMILIES = sizeof(families) / sizeof(families[0]) };

/* The first row of family i or a later one: a family may be empty. */
static const struct builtin *first_from(size_t i)
{
	for (; i < NFAMILIES; i++)
		if (families[i]->name)
			return families[i];
	return NULL;
}

/* Rows of one family follow each other and end with an empty one. */
const struct builtin *builtin_next(const struct builtin *prev)
{
	const struct builtin *end;

	if (!prev)
		return first_from(0);
	if (prev[1].name)
		return prev + 1;
	end = prev + 1;
	for (size_t i = 0; i < NFAMILIES; i++) {
		const struct builtin *b = families[i];

		while (b->name)
			b++;
		if (b == end)
			return first_from(i + 1);
	}
	return NULL;
}

static const struct builtin *find_in(const struct builtin *row, const char *name)
{
	for (; row && row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

const struct builtin *builtin_find(const char *name)
{
	const struct builtin *found = NULL;

	for (size_t i = 0; i < NFAMILIES && !found; i++)
		found = find_in(families[i], name);
	return found;
}

const struct builtin *builtin_lookup(const struct probe_kind *kind, const char *name)
{
	const struct builtin *own = kind ? find_in(kind->vars, name) : NULL;

	return own ? own : builtin_find(name);
}
