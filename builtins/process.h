/* Which process runs, as other rows need it. */
#ifndef MEMQL_BUILTIN_PROCESS_H
#define MEMQL_BUILTIN_PROCESS_H

struct emit;
struct target;
struct value;

/* The process id as memql's own /proc has it: what pid is. t is the program's. */
struct value process_id(struct emit *e, const struct target *t);

#endif
