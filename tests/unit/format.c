/* printf()'s formats: what they say about arguments, and what they make of them. */
#include "builtins/format.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "core/intern.h"
#include "parser/ast.h"
#include "runtime/sink.h"
#include "sema/sema.h"
#include "tests/unit/test.h"

/* Rendering. */

static const struct type type_s32 = { .kind = TYPE_INT, .size = 4, .is_signed = true };
static const struct type type_u8 = { .kind = TYPE_INT, .size = 1 };
static const struct type type_ns = { .kind = TYPE_INT, .size = 8, .unit = UNIT_NS };
static const struct type type_text_8 = { .kind = TYPE_STR, .limit = 8 };
static const struct type type_address = { .kind = TYPE_PTR, .to = &type_u8 };

static const char *const names[] = { "uprobe:x:main" };
static const struct sink sink = { .names = names, .nnames = 1 };

static struct datum integer(const struct type *type, int64_t n)
{
	return (struct datum){ .type = type, .n = (uint64_t)n };
}

static struct datum string(const char *s)
{
	return (struct datum){ .type = &type_text_8, .s = s, .len = strlen(s) };
}

static void check_render(const char *format, struct datum arg, const char *want)
{
	struct text out = { 0 };

	format_render(&out, &sink, format, &arg, 1);
	CHECK_STR_EQ(out.bytes, want);
	text_free(&out);
}

static void check_plain(const char *format, const char *want)
{
	struct text out = { 0 };

	format_render(&out, &sink, format, NULL, 0);
	CHECK_STR_EQ(out.bytes ? out.bytes : "", want);
	text_free(&out);
}

static void test_numbers(void)
{
	check_render("%d", integer(&type_s64, -42), "-42");
	check_render("%i", integer(&type_s64, INT64_MIN), "-9223372036854775808");
	check_render("%u", integer(&type_u64, -1), "18446744073709551615");
	check_render("<%6d>", integer(&type_s64, -42), "<   -42>");
	check_render("<%-6d>", integer(&type_s64, -42), "<-42   >");
	check_render("<%06d>", integer(&type_s64, -42), "<-00042>");
	check_render("<%+d>", integer(&type_s64, 42), "<+42>");
	check_render("<% d>", integer(&type_s64, 42), "< 42>");
	check_render("<%8.3d>", integer(&type_s64, 7), "<     007>");
	check_render("%x", integer(&type_u64, 0xdeadbeef), "deadbeef");
	check_render("%#X", integer(&type_u64, 0xab), "0XAB");
	check_render("%#o", integer(&type_u64, 8), "010");
	check_render("%lld", integer(&type_s64, 5000000000), "5000000000");
	check_render("%lu", integer(&type_u64, 5000000000), "5000000000");
	check_render("%zu", integer(&type_u64, 5000000000), "5000000000");
	check_render("%d", integer(&type_u64, 5000000000), "5000000000");
	check_render("%hhx", integer(&type_u64, 0x1234), "34");
	check_render("%hd", integer(&type_u64, 0xffff), "-1");
}

/* A negative value of a small type shows the bits of that type, as in C. */
static void test_small_types(void)
{
	check_render("%x", integer(&type_s32, -1), "ffffffff");
	check_render("%u", integer(&type_s32, -1), "4294967295");
	check_render("%d", integer(&type_s32, -1), "-1");
	check_render("%x", integer(&type_u8, 200), "c8");
	check_render("%d", integer(&type_u8, 200), "200");
}

static void test_text(void)
{
	check_render("<%s>", string("bash"), "<bash>");
	check_render("<%8s>", string("bash"), "<    bash>");
	check_render("<%-8s>", string("bash"), "<bash    >");
	check_render("<%.2s>", string("bash"), "<ba>");
	check_render("<%-6.3s>", string("bash"), "<bas   >");
	check_render("<%.0s>", string("bash"), "<>");
	check_render("<%s>", string(""), "<>");
	check_render("%s", integer(&type_name, TYPE_NAME_FIRST), "uprobe:x:main");
	check_render("%s", integer(&type_ns, 1250000), "1.25ms");
	check_render("<%8s>", integer(&type_ns, 640000), "<   640us>");
	check_render("%p", integer(&type_address, 0xffff0000), "0xffff0000");
	check_render("<%8p>", integer(&type_u64, 0), "<     0x0>");
	check_render("<%8gr>", integer(&type_u64, 0xcc0), "<   0xcc0>");
	check_render("%c", integer(&type_s64, 'A'), "A");
	check_render("<%3c>", integer(&type_s64, 'A'), "<  A>");
}

static const struct type type_flag = { .kind = TYPE_INT, .size = 1, .is_bool = true };
static const struct type_value colours[] = { { "RED", 1 }, { "BLUE", -1 } };
static const struct record_type colour = {
	.tag = TAG_ENUM, .values = colours, .nvalues = 2, .complete = true
};
static const struct type type_colour = {
	.kind = TYPE_INT, .size = 4, .is_signed = true, .record = &colour
};
static const struct type type_char = {
	.kind = TYPE_INT, .size = 1, .is_signed = true, .is_char = true
};
static const struct type type_chars = {
	.kind = TYPE_ARRAY, .to = &type_char, .count = 6, .space = SPACE_OWN
};
static const struct type type_bytes = {
	.kind = TYPE_ARRAY, .to = &type_u8, .count = 3, .space = SPACE_OWN
};

static struct datum memory(const struct type *type, const char *bytes)
{
	return (struct datum){ .type = type, .s = bytes, .len = type_size(type) };
}

/* %s shows everything as print() does, %d the number of what is one. */
static void test_other_types(void)
{
	check_render("%s", integer(&type_flag, 1), "true");
	check_render("<%7s>", integer(&type_flag, 0), "<  false>");
	check_render("%d", integer(&type_flag, 1), "1");
	check_render("%s", integer(&type_colour, 1), "RED");
	check_render("<%-6s>", integer(&type_colour, -1), "<BLUE  >");
	check_render("%s", integer(&type_colour, 7), "7");
	check_render("%d", integer(&type_colour, -1), "-1");
	check_render("%x", integer(&type_colour, -1), "ffffffff");
	check_render("%s", integer(&type_s64, -5), "-5");
	check_render("%s", memory(&type_chars, "ab\0cd\0"), "ab");
	check_render("<%12s>", memory(&type_bytes, "\1\2\377"), "<   [1,2,255]>");
}

static void test_bytes(void)
{
	check_render("%r", memory(&type_bytes, "a\x01\xff"), "a\\x01\\xff");
	check_render("%rx", memory(&type_bytes, "a\x01\xff"), "\\x61\\x01\\xff");
	check_render("%rh", memory(&type_bytes, "a\x01\xff"), "61 01 ff");
	check_render("<%-10rh>", memory(&type_bytes, "a\x01\xff"), "<61 01 ff  >");
	check_render("%r", memory(&type_chars, "ab\0cd\0"), "ab\\x00cd\\x00");
	check_render("%rh", string("gr\xc3\xbc"), "67 72 c3 bc");
	check_render("%rhi", string("a"), "61i");
	check_render("%r", string(""), "");
}

/* Traced text is made safe first, then cut and padded: in characters, not bytes. */
static void test_hostile_text(void)
{
	check_render("%s", string("\x1b[2J"), "\\x1b[2J");
	check_render("%s", string("a\nb"), "a\\nb");
	check_render("%c", integer(&type_u8, 0x1b), "\\x1b");
	check_render("<%5s>", string("gr\xc3\xbc\xc3\x9f"), "< gr\xc3\xbc\xc3\x9f>");
	check_render("<%.3s>", string("gr\xc3\xbc\xc3\x9f"), "<gr\xc3\xbc>");
	check_render("%s", string("\xff"), "\\xff");
}

static void test_plain(void)
{
	check_plain("", "");
	check_plain("hello\n", "hello\n");
	check_plain("100%%", "100%");
	check_plain("%%%%d", "%%d");
	check_plain("\x1b[1m", "\x1b[1m"); /* the script's own */
}

/* Checking. */

static struct compile *cc;
static struct sema checker;

static struct node *literal(const char *source)
{
	struct node *n = node_new(cc->arena, NODE_STR, (struct span){ 0, 0 });
	char *bytes = arena_alloc(cc->arena, strlen(source) + 1);
	size_t len = 0;

	cc->source = source_new(cc->arena, "test", source, (uint32_t)strlen(source));
	n->span.end = (uint32_t)strlen(source);
	for (const char *p = source + 1; p[1]; p++) {
		if (*p == '\\')
			bytes[len++] = *++p == 'n' ? '\n' : *p;
		else
			bytes[len++] = *p;
	}
	n->string.bytes = intern(cc->names, bytes, len);
	n->string.len = (uint32_t)len;
	return n;
}

/* A printf() whose text in the source is the literal, at its start. */
static struct node *call(const char *source, const struct type *first,
			 const struct type *second)
{
	struct node *n = node_new(cc->arena, NODE_CALL, (struct span){ 0, 0 });
	const struct type *types[] = { first, second };
	struct node **end;

	n->call.args = literal(source);
	n->span = n->call.args->span;
	end = &n->call.args->next;
	for (size_t i = 0; i < 2 && types[i]; i++) {
		*end = node_new(cc->arena, NODE_INT, n->span);
		(*end)->type = types[i];
		end = &(*end)->next;
	}
	return n;
}

static void check_accepts(const char *source, const struct type *first,
			  const struct type *second)
{
	CHECK(format_check(&checker, call(source, first, second), 0));
	CHECK(diag_ok(cc));
}

/* Refused, with this text in what is printed: tag, message or the line with carets. */
static void check_refuses(const char *source, const struct type *first,
			  const struct type *second, const char *want)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	CHECK(!format_check(&checker, call(source, first, second), 0));
	diag_render(cc, out, false, false);
	fclose(out);
	if (!CHECK(strstr(text, want) != NULL))
		fprintf(stderr, "\tno '%s' in\n%s", want, text);
	free(text);
	cc->diags = diag_list_new(cc->arena);
}

static void test_accepted(void)
{
	check_accepts("\"plain %%\"", NULL, NULL);
	check_accepts("\"%d %s\"", &type_s64, &type_text_8);
	check_accepts("\"%-16s %s\"", &type_name, &type_ns);
	check_accepts("\"%p %llx\"", &type_address, &type_address);
	check_accepts("\"%s %s\"", &type_u8, &type_colour);
	check_accepts("\"%s %r\"", &type_bytes, &type_bytes);
	check_accepts("\"%r %rx\"", &type_text_8, &type_chars);
}

static void test_refused(void)
{
	check_refuses("\"%d\"", &type_text_8, NULL,
		      "'%d' wants a number, not string[8]");
	check_refuses("\"%s\"", &type_address, NULL, "'%s' wants text, not");
	check_refuses("\"%s\"", &type_address, NULL, "str() reads the text");
	check_refuses("\"%d %d\"", &type_u64, NULL,
		      "2 conversions, but 1 value follows");
	check_refuses("\"x\"", &type_u64, NULL, "0 conversions, but 1 value follows");
	check_refuses("\"%d\"", &type_u64, &type_u64,
		      "1 conversion, but 2 values follow");
	check_refuses("\"%k\"", &type_u64, NULL, "there is no such conversion");
	check_refuses("\"%\"", NULL, NULL, "no conversion follows");
	check_refuses("\"50% \"", NULL, NULL, "no conversion follows");
	check_refuses("\"%*d\"", &type_u64, NULL, "must be written as a number");
	check_refuses("\"%99999d\"", &type_u64, NULL, "too large");
	check_refuses("\"%r\"", &type_u64, NULL, "'%r' wants a buffer");
	check_refuses("\"%rx\"", &type_u64, NULL, "'%rx' wants a buffer");
	check_refuses("\"%g\"", &type_u64, NULL, "[unsupported]");
	check_refuses("\"%.2f\"", &type_u64, NULL, "[unsupported]");
}

/* The caret is under the conversion, escapes before it or not. */
static void test_carets(void)
{
	check_refuses("\"ab %d\"", &type_text_8, NULL, "test:1:5: ");
	check_refuses("\"a\\n\\\"b %-4d\"", &type_text_8, NULL, "test:1:9: ");
	check_refuses("\"a\\n %-4d\"", &type_text_8, NULL, "|      ^~~~");
}

int main(void)
{
	const struct compile_options options = { 0 };

	test_numbers();
	test_small_types();
	test_text();
	test_other_types();
	test_bytes();
	test_hostile_text();
	test_plain();

	cc = compile_new(NULL, &options);
	checker = (struct sema){ .cc = cc, .report = true };
	test_accepted();
	test_refused();
	test_carets();
	compile_free(cc);
	return test_failures();
}
