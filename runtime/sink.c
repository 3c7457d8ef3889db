#include "runtime/sink.h"

#include <errno.h>

/* The cause is in errno only right after the write, so it is kept at once. */
static void note_error(struct sink *out, int err)
{
	if (!out->error)
		out->error = err ? err : EIO;
}

void sink_flush(struct sink *out)
{
	if (out->error)
		return;
	errno = 0;
	if (fflush(out->fp) || ferror(out->fp))
		note_error(out, errno);
}

int sink_error(const struct sink *out)
{
	return out->error;
}

const char *sink_name(const struct sink *out, uint64_t n)
{
	n -= TYPE_NAME_FIRST;
	return n < out->nnames ? out->names[n] : NULL;
}

void sink_write(struct sink *out, const char *bytes, size_t len)
{
	if (out->error)
		return;
	if (len)
		out->mid_line = bytes[len - 1] != '\n';
	errno = 0;
	if (fwrite(bytes, 1, len, out->fp) != len)
		note_error(out, errno);
}

void sink_int(struct sink *out, int64_t n, bool is_signed, enum unit unit)
{
	struct type type = {
		.kind = TYPE_INT,
		.size = 8,
		.is_signed = is_signed,
		.unit = unit,
	};
	struct datum d = { .type = &type, .n = (uint64_t)n };

	out->ops->datum(out, &d);
}

void sink_datum(struct sink *out, const struct datum *d)
{
	out->ops->datum(out, d);
}

void sink_histogram(struct sink *out, const struct histogram *h)
{
	out->ops->histogram(out, h);
}

void sink_parts(struct sink *out, const struct part *p, size_t n)
{
	out->ops->parts(out, p, n);
}
