/* memql doctor: what works on this machine, what does not, and what to do about it. */
#ifndef MEMQL_DOCTOR_H
#define MEMQL_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

struct options;
struct target;

/* Its own options, from o->args. False after a message on stderr. */
bool doctor_take(struct options *o);

/* On standard output, as JSON if o->json; success if memql can run here at all. */
int doctor(const struct target *target, const struct options *o);

/* memql doctor --help */
void doctor_help(FILE *out);

#endif
