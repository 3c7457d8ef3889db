/* Types as written. */
#include "parser/build.h"

#include <string.h>

#include "core/arena.h"
#include "core/intern.h"

/* Every way to write a type, and its one name. */
static const struct {
	const char *words, *name;
} spellings[] = {
	{ "bool", "bool" },
	{ "char", "char" },
	{ "int", "int32" },
	{ "int16", "int16" },
	{ "int16_t", "int16" },
	{ "int32", "int32" },
	{ "int32_t", "int32" },
	{ "int64", "int64" },
	{ "int64_t", "int64" },
	{ "int8", "int8" },
	{ "int8_t", "int8" },
	{ "long int", "int64" },
	{ "long long int", "int64" },
	{ "long long", "int64" },
	{ "long", "int64" },
	{ "short int", "int16" },
	{ "short", "int16" },
	{ "signed char", "int8" },
	{ "signed int", "int32" },
	{ "signed long long", "int64" },
	{ "signed long", "int64" },
	{ "signed short", "int16" },
	{ "signed", "int32" },
	{ "uint16", "uint16" },
	{ "uint16_t", "uint16" },
	{ "uint32", "uint32" },
	{ "uint32_t", "uint32" },
	{ "uint64", "uint64" },
	{ "uint64_t", "uint64" },
	{ "uint8", "uint8" },
	{ "uint8_t", "uint8" },
	{ "unsigned char", "uint8" },
	{ "unsigned int", "uint32" },
	{ "unsigned long int", "uint64" },
	{ "unsigned long long int", "uint64" },
	{ "unsigned long long", "uint64" },
	{ "unsigned long", "uint64" },
	{ "unsigned short int", "uint16" },
	{ "unsigned short", "uint16" },
	{ "unsigned", "uint32" },
	{ "void", "void" },
};

const char *join_words(struct parser *p, const char *words, const char *word)
{
	/* No type is that long, and the words of a long list need not be kept. */
	if (strlen(words) > sizeof("unsigned long long int"))
		return words;
	return arena_printf(p->arena, "%s %s", words, word);
}

struct type_name word_type(struct parser *p, struct span at, const char *words)
{
	const char *name = NULL;

	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		if (strcmp(spellings[i].words, words) == 0)
			name = spellings[i].name;
	}
	if (!name) {
		diag(p->cc, DIAG_syntax, at, "there is no type '%s'", words);
		name = "int64";
	}
	return (struct type_name){ .name = intern_str(p->cc->names, name) };
}

struct type_name named_type(const struct lexeme *name)
{
	return (struct type_name){ .name = name->text };
}

struct type_name tagged_type(enum type_tag tag, const struct lexeme *name)
{
	return (struct type_name){ .tag = tag, .name = name->text };
}

struct type_name tuple_type(struct node *items)
{
	return (struct type_name){ .items = items };
}

struct type_name record_type(const struct field_list *fields)
{
	return (struct type_name){
		.items = fields->values.first,
		.names = fields->names.items,
	};
}

struct dim_list dims_add(struct parser *p, struct dim_list list, struct span at,
			 uint64_t size)
{
	if (list.n < TYPE_DIMS)
		list.sizes[list.n++] = size;
	else
		diag(p->cc, DIAG_unsupported, at,
		     "an array may have at most %d dimensions", TYPE_DIMS);
	return list;
}

struct type_name make_type(struct type_name base, unsigned stars, struct dim_list dims)
{
	base.stars = stars;
	base.ndims = dims.n;
	memcpy(base.dims, dims.sizes, sizeof(base.dims));
	return base;
}
