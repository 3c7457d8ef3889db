/* What this kernel can do, found out by trying. */
#ifndef MEMQL_FEATURES_H
#define MEMQL_FEATURES_H

#include <stdbool.h>

#include "sema/target.h"

/* Tries each time: keep the answer. False as well if we are not allowed to try. */
bool feature_try(enum feature f);

#endif
