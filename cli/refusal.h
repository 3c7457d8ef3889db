/* What to tell when the kernel's verifier refuses a program. */
#ifndef MEMQL_REFUSAL_H
#define MEMQL_REFUSAL_H

struct compile;
struct options;
struct refusal;

struct refusal_context {
	const struct compile *cc; /* the compilation of what was refused */
	const struct options *options;
};

/* For session_options.refused; arg is a struct refusal_context. */
void refusal_tell(const struct refusal *r, void *arg);

#endif
