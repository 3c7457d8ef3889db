/* memql doctor: what works on this machine, what does not, and what to do about it. */
#ifndef MEMQL_DOCTOR_H
#define MEMQL_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

struct target;

/* The exit status: success if memql can run here at all, whatever else is missing. */
int doctor(const struct target *target, bool json, FILE *out);

/* memql doctor --help */
void doctor_help(FILE *out);

#endif
