/* What this kernel can do, found out by trying; the table is sema/features.def. */
#ifndef MEMQL_FEATURES_H
#define MEMQL_FEATURES_H

#include <stdbool.h>

#include "sema/target.h"

/* Tries each time: keep the answer. False as well if we are not allowed to try. */
bool feature_try(enum feature f);

enum feature_group { GROUP_BASIC, GROUP_PROBES, GROUP_LANGUAGE, GROUP_SPEED };
enum feature_need { NEED_REQUIRED, NEED_WANTED, NEED_BONUS };

struct feature_row {
	const char *name;
	enum feature_group group;
	enum feature_need need;
	const char *use, *without;
	const char *fix; /* "": there is none */
};

const struct feature_row *feature_row(enum feature f);

enum feature_state {
	FEATURE_IS_ABSENT,
	FEATURE_IS_PRESENT,
	FEATURE_IS_UNKNOWN, /* we lack the right to try */
};

struct feature_answer {
	enum feature_state state;
	const char *why; /* it is not present; a constant text */
};

/* What trying it says; nothing of it is left behind. */
struct feature_answer feature_ask(enum feature f);

/*
 * After the kernel refused something: the first feature that nothing works without and
 * that is not there, or FEATURE_COUNT.
 */
enum feature feature_missing(struct feature_answer *why);

#endif
