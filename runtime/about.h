/* What memql is made of, and what it runs on: for those who help. */
#ifndef MEMQL_ABOUT_H
#define MEMQL_ABOUT_H

struct about {
	const char *memql;          /* version */
	const char *llvm;           /* that it was built with */
	char libbpf[32];            /* that it runs with */
	char kernel[65], build[65]; /* "6.1.0-18-amd64"; "#1 SMP ..." */
	char arch[65];              /* "x86_64" */
};

void about_fill(struct about *out);

#endif
