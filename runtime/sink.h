/*
 * Where rendered values go. A sink turns values into events of one format; text and
 * JSON implement the same operations, so that N kinds of value and M formats are N + M
 * functions.
 *
 * Text from traced programs is shown with control bytes, escapes and broken UTF-8
 * replaced by \n, \t, \xNN: it can neither move the cursor nor forge a line.
 */
#ifndef MEMQL_SINK_H
#define MEMQL_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/datum.h"

struct map_info;
struct resolver;
struct sink;

/* [lo, hi): counts of one row; lo_open, hi_open: no bound on that side. */
struct bucket {
	int64_t lo, hi;
	bool lo_open, hi_open;
	uint64_t count;
};

/* How well a percentile is known: of values only their bucket is. */
enum certainty {
	CERTAINTY_CLOSE, /* exactly, or within 1/16 of it */
	CERTAINTY_ROUGH, /* as if the values of a wide row lay evenly in it */
	CERTAINTY_BELOW, /* less than the value: it is below all bounds */
};

struct percentile {
	const char *name; /* "p50", "p99.9", "max" */
	int64_t value;
	enum certainty certainty;
};

struct histogram {
	const struct bucket *rows; /* ascending, without gaps, empty ends cut off */
	size_t nrows;
	uint64_t count; /* values in all */
	int64_t total;  /* their sum */
	enum unit unit;
	const struct percentile *percentiles; /* may be none */
	size_t npercentiles;
};

/* A value over time: of intervals that follow each other. */
struct point {
	uint64_t start; /* CLOCK_REALTIME, nanoseconds */
	bool seen;      /* there was a value */
	int64_t value;
};

struct series {
	const struct point *points;
	size_t n;
	uint64_t length; /* of an interval, nanoseconds */
	bool is_signed;
	enum unit unit;
};

/* A named part of a value such as stats(). */
struct part {
	const char *name;
	int64_t value;
	bool is_signed;
};

struct sink_ops {
	/* Whole output of printf() or time(); the text is already safe. */
	void (*text)(struct sink *out, const char *event, const char *text, size_t len);

	/* print(value): one event for one or several values. */
	void (*values)(struct sink *out, const struct datum *d, size_t n);

	/* A map: begin, then for each entry keys and one value, then end. NULL for the
	 * map: one value alone, without keys. */
	void (*map_begin)(struct sink *out, const struct map_info *map);
	void (*keys)(struct sink *out, const struct datum *keys, size_t n);
	void (*map_end)(struct sink *out);

	/* The value of an entry. */
	void (*datum)(struct sink *out, const struct datum *d);
	void (*parts)(struct sink *out, const struct part *p, size_t n);
	void (*histogram)(struct sink *out, const struct histogram *h);
	void (*series)(struct sink *out, const struct series *s);

	/* What the script has to say besides results; severity is "error" or "warning". */
	void (*message)(struct sink *out, const char *event, const char *severity,
			const char *source, uint32_t line, const char *text,
			size_t len);

	/* Messages of memql itself. */
	void (*attached)(struct sink *out, size_t nprobes);
	void (*lost)(struct sink *out, uint64_t count, const char *what,
		     const char *where);
	/* The same, of what had to be left out: nothing went wrong. */
	void (*left_out)(struct sink *out, uint64_t count, const char *what,
			 const char *where);
	void (*close)(struct sink *out); /* frees */
};

struct sink {
	const struct sink_ops *ops;
	FILE *fp;       /* results */
	FILE *messages; /* text format: what memql itself has to say (stderr) */
	bool quiet;     /* no "Attached N probes" */
	bool is_json;
	bool mid_line; /* the last byte written was no newline */
	bool at_end;   /* the program has ended: maps begin on lines of their own */
	int error;     /* errno of the first write that failed; see sink_error() */
	const char *const *names; /* of TYPE_NAME: nnames, set by the session */
	size_t nnames;
	struct resolver *resolver;      /* set by the session; NULL: there is none */
	int64_t to_wall[EPOCH_SEVERAL]; /* ns to add to get CLOCK_REALTIME */
};

/* The caller keeps the files. Never fail. Results reach a terminal line by line. */
struct sink *sink_text_new(FILE *fp, FILE *messages, bool quiet);
struct sink *sink_json_new(FILE *fp, bool quiet);

/* The text of a TYPE_NAME; NULL if the number is none. */
const char *sink_name(const struct sink *out, uint64_t n);

/* For sinks: bytes to the results' file; keeps the first error. */
void sink_write(struct sink *out, const char *bytes, size_t len);

/* Write out what is buffered: after every batch of events. */
void sink_flush(struct sink *out);

/* 0, or the errno of the first write of results that failed: EPIPE, ENOSPC, ... */
int sink_error(const struct sink *out);

/* Short forms for the operations. */
void sink_int(struct sink *out, int64_t n, bool is_signed, enum unit unit);
void sink_datum(struct sink *out, const struct datum *d);
void sink_histogram(struct sink *out, const struct histogram *h);
void sink_parts(struct sink *out, const struct part *p, size_t n);

/*
 * A growing text buffer: the one place that knows how values look as text. Used by
 * printf(), by keys and by both sinks. Free with text_free(); zero-initialise.
 */
struct text {
	char *bytes; /* NUL-terminated once anything was added */
	size_t len, cap;
};
void text_add(struct text *t, const char *bytes, size_t len);
void text_printf(struct text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Bytes of a traced program, made safe to show. */
void text_add_safe(struct text *t, const char *bytes, size_t len);
/* As in "%s": an integer that counts time is shown as a duration. */
void text_add_datum(struct text *t, const struct sink *out, const struct datum *d);
/* As a map's key or value: integers are bare numbers, so that none is rounded. */
void text_add_exact(struct text *t, const struct sink *out, const struct datum *d);
/*
 * "1.25ms", "640us", "12s", "86400s": three significant digits, or whole seconds; n is
 * in the given unit, and without one it is shown as it is.
 */
void text_add_duration(struct text *t, int64_t n, enum unit unit);
/*
 * A JSON string with quotes, always valid UTF-8: what text_add_safe() would escape is
 * written as \u escapes, a byte that is not UTF-8 as \u00NN.
 */
void text_add_json(struct text *t, const char *bytes, size_t len);
/* How many bytes the character of UTF-8 at s has, at most len; 0: there is none. */
size_t text_utf8(const char *s, size_t len);
/* A series as lines of a diagram. */
void text_add_series(struct text *t, const struct series *s);
void text_free(struct text *t);

#endif
