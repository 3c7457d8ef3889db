/* The command line. */
#ifndef MEMSQLD_OPTIONS_H
#define MEMSQLD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct mix;

#define OPTIONS_THREADS_MAX 256
#define OPTIONS_LONG_TEXT_MAX (1u << 20)

struct options {
	const char *socket;    /* NULL: in a new private directory */
	const char *log;       /* NULL: none */
	const char *data_dir;  /* where the data file goes */
	const char *statement; /* instead of a mix; NULL: the mix */
	const struct mix *mix;
	unsigned threads;      /* of the built-in load; 0: none */
	unsigned long queries; /* in all; 0: no end */
	unsigned long seconds; /* 0: no end */
	unsigned long rate;    /* statements per second, all threads; 0: no limit */
	size_t long_text;      /* pad statements to so many bytes; 0: do not */
	bool wait;             /* for a line or SIGUSR1 before the load starts */
	bool cold_text;
};

enum options_verdict { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_BAD };

/*
 * Read the command line. Strings are borrowed from argv. Prints the help to stdout for
 * OPTIONS_HELP, and for OPTIONS_BAD what is wrong to stderr.
 */
enum options_verdict options_parse(struct options *o, int argc, char **argv);

#endif
