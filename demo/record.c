/* Records to JSON. */
#include "demo/record.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Length of the well-formed UTF-8 sequence at s, 0 if there is none. */
static size_t utf8_length(const unsigned char *s)
{
	uint32_t c = s[0], least;
	size_t n;

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c < 0xe0) {
		n = 2, c &= 0x1f, least = 0x80;
	} else if (c >= 0xe0 && c < 0xf0) {
		n = 3, c &= 0x0f, least = 0x800;
	} else if (c >= 0xf0 && c < 0xf5) {
		n = 4, c &= 0x07, least = 0x10000;
	} else {
		return 0;
	}
	/* A NUL is no continuation byte, so we never look past the end. */
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

static void put_string(FILE *f, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	putc_unlocked('"', f);
	while (*s) {
		size_t n = utf8_length(s);

		if (n == 0)
			fputs("\\ufffd", f);
		else if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(f, "\\u%04x", *s);
		else
			fwrite(s, 1, n, f);
		s += n ? n : 1;
	}
	putc_unlocked('"', f);
}

static void put_usage(FILE *f, const struct usage *u)
{
	fprintf(f, ",\"sleep_ns\":%" PRIu64 ",\"lock_wait_ns\":%" PRIu64, u->sleep_ns,
		u->lock_wait_ns);
	fprintf(f, ",\"lock_waits\":%" PRIu64, u->lock_waits);
	fprintf(f, ",\"mem_net\":%" PRId64 ",\"mem_peak\":%" PRId64, u->mem_net,
		u->mem_peak);
	fprintf(f, ",\"mem_events\":%" PRIu64, u->mem_events);
	fprintf(f, ",\"io_reads\":%" PRIu64 ",\"io_read_bytes\":%" PRIu64, u->io_reads,
		u->io_read_bytes);
	fprintf(f, ",\"io_writes\":%" PRIu64 ",\"io_write_bytes\":%" PRIu64,
		u->io_writes, u->io_write_bytes);
	fprintf(f, ",\"ddl_events\":%" PRIu64, u->ddl_events);
}

static void put_record(FILE *f, const struct record *r)
{
	fputs("{\"query\":", f);
	put_string(f, r->query);
	fprintf(f, ",\"plan_id\":%" PRIu32 ",\"conn_id\":%d,\"db\":", r->plan_id,
		r->conn_id);
	put_string(f, r->db);
	fprintf(f, ",\"tid\":%d,\"status\":%d", (int)r->tid, r->status);
	fprintf(f, ",\"start_ns\":%" PRIu64 ",\"latency_ns\":%" PRIu64, r->start_ns,
		r->latency_ns);
	fprintf(f, ",\"cpu_ns\":%" PRIu64, r->cpu_ns);
	put_usage(f, &r->usage);
	if (r->status) {
		fputs(",\"error\":", f);
		put_string(f, r->error);
	}
	fputs("}\n", f);
}

/* Close the stream; what it wrote, or NULL if memory ran out on the way. */
static char *finish(FILE *f, char **line)
{
	bool failed = ferror(f);

	if (fclose(f) != 0 || failed) {
		free(*line);
		return NULL;
	}
	return *line;
}

char *record_json(const struct record *r, size_t *len)
{
	char *line = NULL;
	FILE *f = open_memstream(&line, len);

	if (!f)
		return NULL;
	put_record(f, r);
	return finish(f, &line);
}

char *record_json_error(const char *message, size_t *len)
{
	char *line = NULL;
	FILE *f = open_memstream(&line, len);

	if (!f)
		return NULL;
	fputs("{\"error\":", f);
	put_string(f, message);
	fputs("}\n", f);
	return finish(f, &line);
}
