/*
 * Files of packets: the classic pcap format with nanoseconds, in the machine's byte order,
 * as draft-ietf-opsawg-pcap has it. They are written through at the end of each batch of
 * events, so that readers can follow them.
 */
#include "runtime/session_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "runtime/sink.h"

enum {
	MAGIC_NS = 0xa1b23c4d,
	VERSION_MAJOR = 2,
	VERSION_MINOR = 4,
	SNAP_LENGTH = 262144, /* the most that readers accept */
	LINKTYPE_RAW = 101,   /* IPv4 or IPv6, as its first byte tells */
};

struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t reserved[2];
	uint32_t snap_length, link_type;
};

struct packet_header {
	uint32_t s, ns; /* CLOCK_REALTIME */
	uint32_t taken, length;
};

static const uint64_t NS_PER_S = 1000000000;

/* What is not in the file for certain is lost. */
static void give_up(struct session *s, struct capture *c, const char *what, int err)
{
	struct text text = { 0 };

	text_printf(&text, "cannot %s %s: %s", what, c->action->text, strerror(err));
	s->sink->ops->message(s->sink, c->action->builtin->name, "error",
			      c->action->file, c->action->line, text.bytes, text.len);
	text_free(&text);
	if (c->file)
		fclose(c->file);
	c->file = NULL;
	c->lost += c->pending;
	c->pending = 0;
}

static struct capture *open_capture(struct session *s, const struct action_info *action)
{
	const struct file_header header = {
		.magic = MAGIC_NS,
		.major = VERSION_MAJOR,
		.minor = VERSION_MINOR,
		.snap_length = SNAP_LENGTH,
		.link_type = LINKTYPE_RAW,
	};
	const struct capture new = { .action = action };
	struct capture *c;

	for (size_t i = 0; i < s->captures.n; i++) {
		c = &s->captures.items[i];
		if (strcmp(c->action->text, action->text) == 0)
			return c;
	}
	ARENA_PUSH(s->arena, &s->captures, new);
	c = &s->captures.items[s->captures.n - 1];
	c->file = fopen(action->text, "we");
	if (!c->file)
		give_up(s, c, "write", errno);
	else if (fwrite(&header, sizeof(header), 1, c->file) != 1)
		give_up(s, c, "write to", errno);
	return c;
}

void session_capture(struct session *s, const struct action_info *action,
		     const struct packet *p)
{
	struct capture *c = open_capture(s, action);
	uint64_t wall = p->time + (uint64_t)s->sink->to_wall[EPOCH_BOOT];
	const struct packet_header header = {
		.s = (uint32_t)(wall / NS_PER_S),
		.ns = (uint32_t)(wall % NS_PER_S),
		.taken = p->taken,
		.length = p->length,
	};

	c->pending++;
	if (!c->file) {
		c->lost += c->pending;
		c->pending = 0;
		return;
	}
	if (fwrite(&header, sizeof(header), 1, c->file) != 1 ||
	    (p->taken && fwrite(p->bytes, p->taken, 1, c->file) != 1))
		give_up(s, c, "write to", errno);
}

void captures_flush(struct session *s)
{
	for (size_t i = 0; i < s->captures.n; i++) {
		struct capture *c = &s->captures.items[i];

		if (c->file && c->pending && fflush(c->file))
			give_up(s, c, "write to", errno);
		c->pending = 0;
	}
}

void captures_close(struct session *s)
{
	captures_flush(s);
	for (size_t i = 0; i < s->captures.n; i++)
		if (s->captures.items[i].file)
			fclose(s->captures.items[i].file);
	s->captures.n = 0;
}
