/* A file with all that somebody who mends memql needs to know: --report. */
#ifndef MEMQL_REPORT_H
#define MEMQL_REPORT_H

struct refusal;
struct source;

struct report {
	const struct refusal *refusal;
	const struct source *source;
	const char *bpf; /* as --dump=bpf; NULL: could not be made */
};

/* 0 or -errno. A file that is there already is replaced. */
int report_write(const char *path, const struct report *r);

#endif
