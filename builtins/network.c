/* Addresses of networks. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "runtime/sink.h"
#include "sema/sema.h"

enum { BYTES_V4 = 4, BYTES_V6 = 16, BYTES_MAC = 6 };

/*
 * ntop([family,] address): a word with the family, and 16 bytes of which version 4 uses
 * the first 4. So a variable can hold either.
 */

enum { INET_FAMILY = 0, INET_BYTES = 8, INET_SIZE = 24 };

static void render_inet(struct text *out, const struct sink *sink,
			const struct datum *d)
{
	char address[INET6_ADDRSTRLEN];
	uint64_t family;

	(void)sink;
	memcpy(&family, d->s + INET_FAMILY, sizeof(family));
	if ((family == AF_INET || family == AF_INET6) &&
	    inet_ntop((int)family, d->s + INET_BYTES, address, sizeof(address)))
		text_add(out, address, strlen(address));
	else
		text_printf(out, "address of family %lld", (long long)family);
}

static const struct shape inet_shape = {
	.name = "network address",
	.size = INET_SIZE,
	.render = render_inet,
};

/* Bytes of the address, or 0 after an error. */
static unsigned address_bytes(struct sema *s, const struct node *n)
{
	const struct type *t = n->type;
	uint64_t size;

	if (t->kind == TYPE_INT)
		return BYTES_V4;
	size = type_c_size(t);
	if ((t->kind == TYPE_ARRAY || t->kind == TYPE_STRUCT) &&
	    (size == BYTES_V4 || size == BYTES_V6))
		return (unsigned)size;
	sema_error(
		s, DIAG_type_mismatch, n->span,
		"a network address is a number or an array of %d or %d bytes, not %s",
		BYTES_V4, BYTES_V6, type_text(s->cc->arena, t));
	return 0;
}

static bool check_ntop(struct sema *s, struct node *call)
{
	const struct node *first = call_arg(call, 0), *address = call_arg(call, 1);

	if (address && first->type->kind != TYPE_INT)
		return sema_error(s, DIAG_type_mismatch, first->span,
				  "the family of an address is a number, not %s",
				  type_text(s->cc->arena, first->type));
	return address_bytes(s, address ? address : first) != 0;
}

static struct value emit_ntop(struct emit *e, const struct node *call)
{
	const struct node *first = call_arg(call, 0), *second = call_arg(call, 1);
	const struct node *from = second ? second : first;
	const struct type *t = from->type;
	struct value dest = emit_dest(e, call), address = emit_eval(e, from);
	struct value bytes = emit_at(e, dest, emit_int(e, INET_BYTES)), family;
	size_t size = t->kind == TYPE_INT ? BYTES_V4 : (size_t)type_c_size(t);

	family = second ? emit_eval(e, first)
			: emit_int(e, size == BYTES_V4 ? AF_INET : AF_INET6);
	emit_store(e, dest, INET_FAMILY, family, 8);
	emit_store(e, dest, INET_BYTES, emit_int(e, 0), 8);
	emit_store(e, dest, INET_BYTES + 8, emit_int(e, 0), 8);
	if (t->kind == TYPE_INT)
		emit_store(e, dest, INET_BYTES, address, BYTES_V4);
	else
		emit_read_bytes(e, bytes, address, size, t->space, from->span);
	return dest;
}

/* pton(text): known when the program is compiled. */

static bool check_pton(struct sema *s, struct node *call)
{
	struct node *arg = call_arg(call, 0);
	const char *text = constant_str(s, arg);
	unsigned char *bytes = arena_alloc(s->cc->arena, BYTES_V6);
	const struct type *byte = type_int(s->cc->arena, 1, false, UNIT_NONE);
	bool v6;

	if (!text)
		return true; /* the signature says so */
	v6 = strchr(text, ':') != NULL;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes) != 1)
		return sema_error(s, DIAG_bad_literal, arg->span,
				  "'%s' is no address of IPv%d", text, v6 ? 6 : 4);
	call->call.data = bytes;
	call->type =
		type_array(s->cc->arena, byte, v6 ? BYTES_V6 : BYTES_V4, SPACE_OWN);
	return true;
}

static struct value emit_pton(struct emit *e, const struct node *call)
{
	return emit_rodata(e, call->call.data, (size_t)call->type->count);
}

/* macaddr(address): 6 bytes in a word, in the order of memory. */

static void render_mac(struct text *out, const struct sink *sink, const struct datum *d)
{
	unsigned char b[8];

	(void)sink;
	memcpy(b, &d->n, sizeof(b));
	text_printf(out, "%02X:%02X:%02X:%02X:%02X:%02X", b[0], b[1], b[2], b[3], b[4],
		    b[5]);
}

static const struct shape mac_shape = {
	.name = "MAC address",
	.size = 8,
	.render = render_mac,
};

static bool check_macaddr(struct sema *s, struct node *call)
{
	const struct node *arg = call_arg(call, 0);
	const struct type *t = arg->type;

	if (type_is_number(t) || (t->kind == TYPE_ARRAY && type_c_size(t) >= BYTES_MAC))
		return true;
	return sema_error(
		s, DIAG_type_mismatch, arg->span,
		"a MAC address is an array of %d bytes or where that is, not %s",
		BYTES_MAC, type_text(s->cc->arena, t));
}

static struct value emit_macaddr(struct emit *e, const struct node *call)
{
	const struct node *arg = call_arg(call, 0);
	struct value word = emit_temp(e, 8), address = emit_eval(e, arg);

	emit_store(e, word, 0, emit_int(e, 0), 8);
	emit_read_bytes(e, word, address, BYTES_MAC, emit_space(e, arg->type),
			arg->span);
	return emit_load(e, word, 0, 8, false);
}

const struct builtin network_builtins[] = {
	{
		.name = "ntop",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_SHOWN, .shape = &inet_shape },
		.params = {
			{ .name = "family_or_address", .type = TYPE_ANY },
			{ .name = "address", .type = TYPE_ANY, .flags = PARAM_OPTIONAL },
		},
		.check = check_ntop,
		.summary = "an IP address as text",
		.doc = "A number or an array of 4 bytes, in network byte order, is IPv4; an "
		       "array of 16 bytes is IPv6. The family (AF_INET is 2, AF_INET6 is 10) "
		       "may be given before the address. Both kinds go into one variable or "
		       "map.",
		.example = "BEGIN { printf(\"%s\\n\", ntop(0x0100007f)); }",
		.emit = emit_ntop,
	},
	{
		.name = "pton",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_VOID },
		.params = {
			{ .name = "text", .type = TYPE_STR, .flags = PARAM_LITERAL },
		},
		.check = check_pton,
		.summary = "the bytes of an IP address",
		.doc = "An array of 4 or, for IPv6, 16 bytes in network byte order; the text "
		       "is a literal.",
		.example = "BEGIN { printf(\"%s\\n\", ntop(pton(\"::1\"))); }",
		.emit = emit_pton,
	},
	{
		.name = "macaddr",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_SHOWN, .shape = &mac_shape },
		.params = { { .name = "address", .type = TYPE_ANY } },
		.check = check_macaddr,
		.summary = "a hardware address as text",
		.doc = "Of an array of 6 bytes, or what a pointer points to: "
		       "`18:C0:4D:08:2E:BB`.",
		.example = "uprobe:libc:memcpy { printf(\"%s\\n\", macaddr(arg1)); }",
		.emit = emit_macaddr,
	},
	{ 0 },
};
