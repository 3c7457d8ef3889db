#include "runtime/features.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/features_internal.h"
#include "runtime/session_state.h"

static const struct {
	struct feature_row row;
	int (*probe)(const char **why);
} rows[FEATURE_COUNT] = {
#define FEATURE(NAME, name, group, need, probe, use, without, fix)                     \
	[FEATURE_##NAME] = {                                                           \
		{ name, GROUP_##group, NEED_##need, use, without, fix },               \
		probe,                                                                 \
	},
#include "sema/features.def"
#undef FEATURE
};

const struct feature_row *feature_row(enum feature f)
{
	return &rows[f].row;
}

/*
 * Tests see how memql does without a feature where the kernel has it: they name it in
 * MEMQL_WITHOUT, several with commas.
 */
static bool is_left_out(const char *name)
{
	const char *p = getenv("MEMQL_WITHOUT");
	size_t len;

	for (; p && *p; p += len + (p[len] == ',')) {
		len = strcspn(p, ",");
		if (len == strlen(name) && strncmp(p, name, len) == 0)
			return true;
	}
	return false;
}

struct feature_answer feature_ask(enum feature f)
{
	struct feature_answer a = { .state = FEATURE_IS_ABSENT };
	const char *unused;
	int err;

	if (is_left_out(rows[f].row.name)) {
		a.why = "MEMQL_WITHOUT in the environment names it";
		return a;
	}
	err = rows[f].probe(&a.why);
	if (!err) {
		a.state = FEATURE_IS_PRESENT;
		a.why = NULL;
		return a;
	}
	if (!a.why)
		a.why = errno_text(err);
	if ((err == -EPERM || err == -EACCES) && f != FEATURE_PRIVILEGES &&
	    try_privileges(&unused)) {
		a.state = FEATURE_IS_UNKNOWN;
		a.why = "only root may try";
	}
	return a;
}

bool feature_try(enum feature f)
{
	return feature_ask(f).state == FEATURE_IS_PRESENT;
}

enum feature feature_missing(struct feature_answer *why)
{
	for (unsigned f = 0; f < FEATURE_COUNT; f++) {
		if (rows[f].row.need != NEED_REQUIRED)
			continue;
		*why = feature_ask((enum feature)f);
		if (why->state == FEATURE_IS_ABSENT)
			return (enum feature)f;
	}
	return FEATURE_COUNT;
}
