/*
 * memql on a machine that does not exist: linked in place of runtime/target_linux.c, so
 * that golden tests see the same probes everywhere and need no privileges.
 */
#include <errno.h>
#include <stdlib.h>

#include "runtime/target_linux.h"
#include "tests/fake_target.h"

int target_linux_open(struct target **out)
{
	const char *path = getenv("MEMQL_FAKE_TARGET");
	struct target *t = path ? fake_target_open(path) : NULL;

	if (!t)
		return -EINVAL;
	*out = t;
	return 0;
}

void target_linux_keep(struct target *t, struct object_cache *cache)
{
	(void)t, (void)cache;
}

void target_linux_close(struct target *t)
{
	fake_target_close(t);
}
