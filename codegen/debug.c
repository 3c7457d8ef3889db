/*
 * Debug information: the kernel takes types of maps (BTF) and source lines from it.
 *
 * The back end turns DWARF metadata into BTF. A map is a struct whose members describe
 * it in their types: "int (*max_entries)[1024]" says 1024, which libbpf reads back.
 */
#include "codegen/internal.h"

#include <assert.h>
#include <llvm-c/IRReader.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/explained.h"
#include "core/arena.h"

/* Encodings of basic types in DWARF; the C API has no names for them. */
enum { ENCODE_SIGNED = 5, ENCODE_UNSIGNED = 7, ENCODE_UNSIGNED_CHAR = 8 };
enum { COLUMN_MAX = 1023 }; /* what BTF can hold */

/* As the text of LLVM's language wants it: quotes, backslashes, others as \XX. */
static size_t quote(char *out, const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\' || c < 32 || c > 126) {
			static const char hex[] = "0123456789ABCDEF";

			out[n++] = '\\';
			out[n++] = hex[c >> 4];
			out[n++] = hex[c & 15];
		} else {
			out[n++] = text[i];
		}
	}
	return n;
}

/*
 * A file node that carries the text, so that the lines reach BTF for one-liners and
 * standard input, too. The C API cannot make one; LLVM's own parser can.
 */
static LLVMMetadataRef file_with_source(struct module *m, const struct source *src)
{
	static const char head[] = "!f = !{!0}\n!0 = !DIFile(filename: \"";
	static const char middle[] = "\", directory: \"\", source: \"";
	static const char tail[] = "\")\n";
	size_t name_len = strlen(src->name);
	char *text = malloc(sizeof(head) + sizeof(middle) + sizeof(tail) +
			    3 * (name_len + src->len));
	size_t n = 0;
	LLVMMemoryBufferRef buffer;
	LLVMModuleRef parsed;
	LLVMValueRef node;
	char *error = NULL;

	if (!text)
		abort();
	n += (size_t)sprintf(text, "%s", head);
	n += quote(text + n, src->name, name_len);
	n += (size_t)sprintf(text + n, "%s", middle);
	n += quote(text + n, src->text, src->len);
	n += (size_t)sprintf(text + n, "%s", tail);
	buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(text, n, "file");
	free(text);
	if (LLVMParseIRInContext(m->context, buffer, &parsed, &error)) {
		LLVMDisposeMessage(error);
		return LLVMDIBuilderCreateFile(m->di, src->name, name_len, "", 0);
	}
	LLVMGetNamedMetadataOperands(parsed, "f", &node);
	LLVMDisposeModule(parsed);
	return LLVMValueAsMetadata(node);
}

static LLVMMetadataRef basic(struct module *m, const char *name, unsigned bits,
			     unsigned encoding)
{
	return LLVMDIBuilderCreateBasicType(m->di, name, strlen(name), bits, encoding,
					    0);
}

static void add_flag(struct module *m, const char *name, unsigned n)
{
	LLVMMetadataRef value = LLVMValueAsMetadata(LLVMConstInt(m->i32, n, 0));

	LLVMAddModuleFlag(m->ir, LLVMModuleFlagBehaviorWarning, name, strlen(name),
			  value);
}

void debug_start(struct module *m)
{
	static const char producer[] = "memql";

	m->di = LLVMCreateDIBuilder(m->ir);
	add_flag(m, "Debug Info Version", LLVMDebugMetadataVersion());
	add_flag(m, "Dwarf Version", 5);
	m->file = file_with_source(m, m->cc->source);
	m->unit = LLVMDIBuilderCreateCompileUnit(
		m->di, LLVMDWARFSourceLanguageC11, m->file, producer, strlen(producer),
		1, "", 0, 0, "", 0, LLVMDWARFEmissionFull, 0, 0, 0, "", 0, "", 0);
	m->type_int = basic(m, "int", 32, ENCODE_SIGNED);
	m->type_u64 = basic(m, "unsigned long", 64, ENCODE_UNSIGNED);
	m->type_u8 = basic(m, "unsigned char", 8, ENCODE_UNSIGNED_CHAR);
	m->type_ptr = LLVMDIBuilderCreatePointerType(m->di, NULL, 64, 0, 0, "", 0);
}

LLVMMetadataRef debug_program(struct module *m, LLVMValueRef function,
			      const char *symbol, uint32_t line)
{
	LLVMMetadataRef types[] = { m->type_int, m->type_ptr };
	LLVMMetadataRef type =
		LLVMDIBuilderCreateSubroutineType(m->di, m->file, types, 2, 0);
	LLVMMetadataRef sp =
		LLVMDIBuilderCreateFunction(m->di, m->unit, symbol, strlen(symbol), "",
					    0, m->file, line, type, 0, 1, line, 0, 1);

	LLVMSetSubprogram(function, sp);
	/* The kernel refuses BTF of functions whose arguments have no names. */
	LLVMDIBuilderCreateParameterVariable(m->di, sp, "ctx", 3, 1, m->file, line,
					     m->type_ptr, 1, 0);
	return sp;
}

static LLVMMetadataRef array_of(struct module *m, LLVMMetadataRef element,
				unsigned element_bits, uint64_t n)
{
	LLVMMetadataRef range = LLVMDIBuilderGetOrCreateSubrange(m->di, 0, (int64_t)n);

	return LLVMDIBuilderCreateArrayType(m->di, element_bits * n, 0, element, &range,
					    1);
}

static LLVMMetadataRef pointer_to(struct module *m, LLVMMetadataRef type)
{
	return LLVMDIBuilderCreatePointerType(m->di, type, 64, 0, 0, "", 0);
}

LLVMMetadataRef debug_function(struct module *m, LLVMValueRef function,
			       const char *symbol, uint32_t line, const size_t *sizes,
			       unsigned n)
{
	static const char *const names[] = { "a", "b" };
	LLVMMetadataRef types[3], type, sp;

	assert(n < sizeof(types) / sizeof(types[0]));
	types[0] = m->type_u64;
	for (unsigned i = 0; i < n; i++)
		types[i + 1] =
			sizes[i] ? pointer_to(m, array_of(m, m->type_u8, 8, sizes[i]))
				 : m->type_u64;
	type = LLVMDIBuilderCreateSubroutineType(m->di, m->file, types, n + 1, 0);
	sp = LLVMDIBuilderCreateFunction(m->di, m->unit, symbol, strlen(symbol), "", 0,
					 m->file, line, type, 0, 1, line, 0, 1);
	LLVMSetSubprogram(function, sp);
	for (unsigned i = 0; i < n; i++)
		LLVMDIBuilderCreateParameterVariable(m->di, sp, names[i], 1, i + 1,
						     m->file, line, types[i + 1], 1, 0);
	return sp;
}

LLVMMetadataRef debug_callback(struct module *m, LLVMValueRef function,
			       const char *symbol, uint32_t line, bool of_map)
{
	static const char *const names[2][4] = {
		{ "index", "context" },
		{ "map", "key", "value", "context" },
	};
	unsigned n = of_map ? 4 : 2;
	LLVMMetadataRef types[5], type, sp;

	types[0] = m->type_u64;
	for (unsigned i = 0; i < n; i++)
		types[i + 1] = !of_map && i == 0 ? m->type_u64 : m->type_ptr;
	type = LLVMDIBuilderCreateSubroutineType(m->di, m->file, types, n + 1, 0);
	sp = LLVMDIBuilderCreateFunction(m->di, m->unit, symbol, strlen(symbol), "", 0,
					 m->file, line, type, 1, 1, line, 0, 1);
	LLVMSetSubprogram(function, sp);
	for (unsigned i = 0; i < n; i++)
		LLVMDIBuilderCreateParameterVariable(m->di, sp, names[of_map][i],
						     strlen(names[of_map][i]), i + 1,
						     m->file, line, types[i + 1], 1, 0);
	return sp;
}

static LLVMMetadataRef structure(struct module *m, const char *name, uint64_t bits,
				 LLVMMetadataRef *members, size_t n)
{
	return LLVMDIBuilderCreateStructType(m->di, m->unit, name, strlen(name),
					     m->file, 1, bits, 0, 0, NULL, members,
					     (unsigned)n, 0, NULL, "", 0);
}

static LLVMMetadataRef member(struct module *m, const char *name, LLVMMetadataRef type,
			      uint64_t bits, uint64_t offset)
{
	return LLVMDIBuilderCreateMemberType(m->di, m->file, name, strlen(name),
					     m->file, 1, bits, 0, offset, 0, type);
}

struct members {
	LLVMMetadataRef items[8];
	size_t n;
};

static void add_pointer(struct module *m, struct members *s, const char *name,
			LLVMMetadataRef to)
{
	s->items[s->n] = member(m, name, pointer_to(m, to), 64, 64 * s->n);
	s->n++;
}

static void add_number(struct module *m, struct members *s, const char *name,
		       uint64_t n)
{
	if (n)
		add_pointer(m, s, name, array_of(m, m->type_int, 32, n));
}

/* Task storage wants to know types, but not much of them. */
static LLVMMetadataRef opaque_bytes(struct module *m, size_t size)
{
	LLVMMetadataRef bytes = array_of(m, m->type_u8, 8, size);
	LLVMMetadataRef field = member(m, "bytes", bytes, size * 8, 0);

	return structure(m, "memql_bytes", size * 8, &field, 1);
}

void debug_map(struct module *m, LLVMValueRef global, const char *name,
	       const struct map_shape *shape)
{
	struct members s = { .n = 0 };
	LLVMMetadataRef type, expr;

	add_number(m, &s, "type", shape->type);
	add_number(m, &s, "max_entries", shape->max_entries);
	add_number(m, &s, "map_flags", shape->flags);
	if (shape->typed) {
		add_pointer(m, &s, "key", m->type_int);
		add_pointer(m, &s, "value", opaque_bytes(m, shape->value_size));
	} else {
		add_number(m, &s, "key_size", shape->key_size);
		add_number(m, &s, "value_size", shape->value_size);
	}
	type = structure(m, "", 64 * s.n, s.items, s.n);
	expr = LLVMDIBuilderCreateExpression(m->di, NULL, 0);
	LLVMGlobalSetMetadata(global, LLVMGetMDKindIDInContext(m->context, "dbg", 3),
			      LLVMDIBuilderCreateGlobalVariableExpression(
				      m->di, m->unit, name, strlen(name), "", 0,
				      m->file, 1, type, 0, expr, NULL, 0));
}

struct span debug_at(struct emit *e, struct span at)
{
	struct span before = e->span;
	struct place p;

	if (at.begin == before.begin && at.end == before.end)
		return before;
	e->span = at;
	p = source_place(e->m->cc->source, at.begin);
	if (e->m->explaining) {
		const uint32_t number =
			construct_number(e->m, at); /* moves the items */

		p.column = e->m->explaining->constructs.items[number].ordinal;
	}
	LLVMSetCurrentDebugLocation2(
		e->b, LLVMDIBuilderCreateDebugLocation(
			      e->m->context, p.line,
			      p.column < COLUMN_MAX ? p.column : COLUMN_MAX,
			      e->subprogram, NULL));
	return before;
}
