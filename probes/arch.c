#include "probes/arch.h"

#include <string.h>

const struct arch_register *arch_register(const struct arch *a, const char *name,
					  size_t len)
{
	const struct arch_register *r;

	for (r = a->registers; r->name; r++)
		if (strlen(r->name) == len && memcmp(r->name, name, len) == 0)
			return r;
	return NULL;
}

bool arch_is_hidden(const struct arch *a, const char *name, size_t len)
{
	const char *const *p;

	for (p = a->hidden; *p; p++)
		if (strlen(*p) <= len && memcmp(*p, name, strlen(*p)) == 0)
			return true;
	return false;
}
