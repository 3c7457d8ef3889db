/* Packets of the network, into files that packet analysers read. */
#include <inttypes.h>
#include <string.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "core/compile.h"
#include "runtime/session.h"
#include "runtime/sink.h"
#include "sema/ctype.h"
#include "sema/sema.h"

/*
 * skboutput(path, skb, length, offset) becomes WRITTEN(path, PACKET(skb, length, offset)),
 * so that the record carries the packet's bytes and not the arguments.
 */

enum {
	/* What a record holds: whether the packet's memory was found, its length from
	 * the offset on, how many bytes follow, and these, with zeros after them. */
	PACKET_FOUND = 0,
	PACKET_LENGTH = 8,
	PACKET_TAKEN = 16,
	PACKET_BYTES = 24,
	LENGTH_COMPUTED = 1536, /* room for a frame of Ethernet */
	LENGTH_MAX = 16384,
};

/* Where the members of the kernel's struct sk_buff are. */
struct packet_members {
	int64_t len, data_len, data;
};

/* Shown only if it cannot be written. */
static void render_packet(struct text *out, const struct sink *sink,
			  const struct datum *d)
{
	(void)sink;
	text_printf(out, "%zu bytes", d->len - PACKET_BYTES);
}

static const struct shape packet_shape = {
	.name = "packet",
	.size = PACKET_BYTES,
	.render = render_packet,
};

static bool find_member(struct sema *s, const struct node *skb, const char *name,
			int64_t *offset)
{
	const struct record_type *r = skb->type->to->record;
	uint64_t bits;

	if (!ctype_member(s->cc, r, name, &bits))
		return sema_error(s, DIAG_type_mismatch, skb->span,
				  "this struct sk_buff has no member '%s'", name);
	*offset = (int64_t)(bits / 8);
	return true;
}

static bool is_sk_buff(struct sema *s, const struct type *t)
{
	const struct type *known = ctype_find(s->cc, TAG_STRUCT, "sk_buff");

	return known && t->kind == TYPE_PTR && t->to->kind == TYPE_STRUCT &&
	       t->to->record == known->record;
}

static bool check_packet(struct sema *s, struct node *call)
{
	const struct node *skb = call_arg(call, 0), *length = call_arg(call, 1);
	struct packet_members *m = ARENA_NEW(s->cc->arena, struct packet_members);
	int64_t n = LENGTH_COMPUTED;

	if (!is_sk_buff(s, skb->type)) {
		sema_error(s, DIAG_type_mismatch, skb->span,
			   "a packet is a struct sk_buff *, not %s",
			   type_text(s->cc->arena, skb->type));
		if (s->report && type_is_number(skb->type))
			diag_hint(s->cc, "cast it: (struct sk_buff *)...");
		return false;
	}
	if (constant_int(length, &n) && (n < 1 || n > LENGTH_MAX))
		return sema_error(s, DIAG_literal_range, length->span,
				  "the length must be from 1 to %d, not %" PRId64,
				  LENGTH_MAX, n);
	if (!find_member(s, skb, "len", &m->len) ||
	    !find_member(s, skb, "data_len", &m->data_len) ||
	    !find_member(s, skb, "data", &m->data))
		return false;
	call->call.data = m;
	call->type = type_shown(s->cc->arena, &packet_shape, (uint32_t)n, NULL);
	return true;
}

static struct value member(struct emit *e, const struct node *call, struct value skb,
			   int64_t offset, unsigned size)
{
	struct value at = emit_op(e, OP_ADD, skb, emit_int(e, offset), false);

	return emit_read(e, at, size, false, SPACE_KERNEL, call->span);
}

static struct value smaller(struct emit *e, struct value a, struct value b)
{
	return emit_select(e, emit_op(e, OP_LT, a, b, false), a, b);
}

/* What follows the first bytes, if there are as many. */
static struct value behind(struct emit *e, struct value all, struct value first)
{
	return emit_op(e, OP_SUB, all, smaller(e, first, all), false);
}

/* Only what skb->data points to: no helper reads fragments for any kind of probe. */
static struct value emit_packet(struct emit *e, const struct node *call)
{
	const struct packet_members *m = call->call.data;
	uint64_t limit = call->type->limit;
	struct value skb = emit_arg(e, call, 0), length = emit_arg(e, call, 1);
	struct value offset = emit_arg(e, call, 2), dest = emit_dest(e, call);
	struct value data, all, elsewhere, n, bytes;
	struct branch there;

	emit_zero(e, dest, type_size(call->type));
	data = member(e, call, skb, m->data, 8);
	emit_store(e, dest, PACKET_FOUND, data, 8);
	there = emit_if(e, data);
	all = member(e, call, skb, m->len, 4);
	elsewhere = member(e, call, skb, m->data_len, 4);
	emit_store(e, dest, PACKET_LENGTH, behind(e, all, offset), 8);
	n = behind(e, behind(e, all, elsewhere), offset);
	n = smaller(e, smaller(e, n, length), emit_int(e, (int64_t)limit));
	n = emit_bounded(e, n, limit);
	emit_store(e, dest, PACKET_TAKEN, n, 8);
	bytes = emit_at(e, dest, emit_int(e, PACKET_BYTES));
	emit_read_some(e, bytes, emit_op(e, OP_ADD, data, offset, false), n,
		       SPACE_KERNEL, call->span);
	emit_end(e, &there);
	return dest;
}

/* Not known by name. */
static const struct builtin packet = {
	.name = "skboutput",
	.kind = BUILTIN_FUNC,
	.returns = { .kind = TYPE_SHOWN, .shape = &packet_shape },
	.params = {
		{ .name = "skb", .type = TYPE_ANY },
		{ .name = "length", .type = TYPE_INT },
		{ .name = "offset", .type = TYPE_INT },
	},
	.check = check_packet,
	.emit = emit_packet,
};

static struct value emit_written(struct emit *e, const struct node *call)
{
	return emit_record(e, call, false);
}

static void run_written(struct session *s, const struct action_info *action,
			const struct datum *args, uint64_t time)
{
	struct packet p = { .time = time };
	uint64_t found, length, taken;

	memcpy(&found, args[0].s + PACKET_FOUND, sizeof(found));
	memcpy(&length, args[0].s + PACKET_LENGTH, sizeof(length));
	memcpy(&taken, args[0].s + PACKET_TAKEN, sizeof(taken));
	if (!found)
		return; /* the kernel has counted it */
	if (taken > args[0].len - PACKET_BYTES)
		taken = args[0].len - PACKET_BYTES;
	p.bytes = args[0].s + PACKET_BYTES;
	p.taken = (uint32_t)taken;
	p.length = (uint32_t)length;
	session_capture(s, action, &p);
}

static const struct action_ops written_ops = { run_written, .timed = true };

#define RESULT { .kind = TYPE_INT, .size = 8, .is_signed = true }

/* Not known by name either: an action that has a value. */
static const struct builtin written = {
	.name = "skboutput",
	.kind = BUILTIN_ACTION,
	.returns = RESULT,
	.params = {
		{ .name = "path", .type = TYPE_STR, .flags = PARAM_LITERAL },
		{ .name = "packet", .type = TYPE_ANY },
	},
	.emit = emit_written,
	.action = &written_ops,
};

static bool check_skboutput(struct sema *s, struct node *call)
{
	struct node *path = call_arg(call, 0);
	struct node *inner = node_new(s->cc->arena, NODE_CALL, call->span);

	inner->height = call->height;
	inner->call.name = call->call.name;
	inner->call.name_span = call->call.name_span;
	inner->call.has_parens = true;
	inner->call.builtin = &packet;
	inner->call.args = path->next;
	path->next = inner;
	call->call.builtin = &written;
	s->changed = true;
	return check_packet(s, inner);
}

const struct builtin packet_builtins[] = {
	{
		.name = "skboutput",
		.kind = BUILTIN_FUNC,
		.returns = RESULT,
		.params = {
			{ .name = "path", .type = TYPE_STR, .flags = PARAM_LITERAL },
			{ .name = "skb", .type = TYPE_ANY },
			{ .name = "length", .type = TYPE_INT },
			{ .name = "offset", .type = TYPE_INT },
		},
		.check = check_skboutput,
		.summary = "writes a packet to a pcap file",
		.doc = "So many bytes of the packet, from the offset on. The file says that they "
		       "begin with the header of IP: where `skb->data` still is at the header "
		       "of Ethernet, as in net_dev_queue, the offset is 14. Times are those of "
		       "the events, in nanoseconds. Only memory that `skb->data` points to is "
		       "written; what the network card has put into fragments (`skb->data_len` "
		       "bytes) is not, nor are more than 16384 bytes, or 1536 if the program "
		       "computes the length: readers of the file see that the packet was "
		       "longer. An existing file is overwritten at the first packet. The "
		       "value is 0, or negative if the packet could not be sent to user space, "
		       "which is counted as lost, as is what cannot be written.",
		.example = "tracepoint:net:net_dev_queue "
			   "{ skboutput(\"out.pcap\", (struct sk_buff *)args.skbaddr, args.len, "
			   "14); }",
		.emit = emit_written,
	},
	{ 0 },
};
