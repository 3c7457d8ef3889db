/* Plans: statements that differ only in their literals share one plan id. */
#ifndef MEMSQLD_PLAN_H
#define MEMSQLD_PLAN_H

#include <stddef.h>
#include <stdint.h>

/*
 * The plan id of a statement: a hash of its normal form, which is lower case, with
 * single blanks, without comments, and with ? for every number and string. The same in
 * every run and on every machine. `SELECT burn(50us)`, with any time, has the id 0, so
 * that a tracer which takes 0 for "no plan" is found out. The normal form goes to out,
 * cut to size.
 */
uint32_t plan_id(const char *text, char *out, size_t size);

#endif
