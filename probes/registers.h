/* Arguments of functions, as registers and the stack hold them. */
#ifndef MEMQL_REGISTERS_H
#define MEMQL_REGISTERS_H

#include "probes/probe.h"

struct arena;

/* How many arguments have names: arg0 to arg9. */
enum { REGISTERS_ARGS = 10 };

/* Where a function starts: those in registers, and those above the return address. */
struct probe_layout registers_entry(struct arena *a);

/* Elsewhere in a function the registers hold what they hold, the stack anything. */
struct probe_layout registers_inside(struct arena *a);

/* Where a function returns: its value. */
struct probe_layout registers_return(struct arena *a);

#endif
