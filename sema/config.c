/* config = { name = value; }: one row per key. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/arena.h"
#include "sema/resolve.h"

enum {
	MAX_STRLEN = 1024,
	MAX_STRLEN_LIMIT = 16384,
	MAX_MAP_KEYS = 4096,
	MAX_PROBES = 1024,
	MAX_CAT_BYTES = 10240,
	MAX_PROBES_LIMIT = 1 << 20,
};

enum config_kind { CONFIG_NUMBER, CONFIG_WORD, CONFIG_TEXT, CONFIG_FLAG };

static const struct config_row {
	const char *name;
	enum config_kind kind;
	size_t offset;            /* in struct plan */
	uint32_t min, max;        /* NUMBER */
	const char *const *words; /* WORD: by value, NULL-terminated */
	const char *fallback;     /* the default as it is written; NULL: nothing */
	const char *doc;          /* Markdown */
} rows[] = {
	{ "max_strlen", CONFIG_NUMBER, offsetof(struct plan, max_strlen), 1,
	  MAX_STRLEN_LIMIT, NULL, "1024", "Bytes of text that `str()` keeps." },
	{ "max_map_keys", CONFIG_NUMBER, offsetof(struct plan, max_map_keys), 1,
	  1u << 30, NULL, "4096", "Entries of a map with keys." },
	{ "max_probes", CONFIG_NUMBER, offsetof(struct plan, max_probes), 1,
	  MAX_PROBES_LIMIT, NULL, "1024", "Places that the program may attach to." },
	{ "max_cat_bytes", CONFIG_NUMBER, offsetof(struct plan, max_cat_bytes), 1,
	  1u << 30, NULL, "10240", "Bytes of a file that `cat()` shows." },
	{ "missing_probes", CONFIG_WORD, offsetof(struct plan, missing_probes), 0, 0,
	  (const char *const[]){ "error", "warn", "ignore", NULL }, "error",
	  "What an attach point is that matches nothing." },
	{ "stack_mode", CONFIG_WORD, offsetof(struct plan, stack_mode), 0, 0,
	  (const char *const[]){ "bpftrace", "perf", "raw", "build_id", NULL },
	  "bpftrace", "How `kstack` and `ustack` show stacks." },
	{ "print_maps_on_exit", CONFIG_FLAG, offsetof(struct plan, maps_at_end), 0, 0,
	  NULL, "true", "Whether maps are printed when the program ends." },
	{ "str_trunc_trailer", CONFIG_TEXT, offsetof(struct plan, trailer), 0,
	  TRAILER_MAX, NULL, "...", "What text ends in that was cut: up to 3 bytes." },
	{ "missing_hint", CONFIG_TEXT, offsetof(struct plan, missing_hint), 0, 0, NULL,
	  NULL, "What to tell the user if none of the attach points exists." },
};

/* Keys of bpftrace that set what memql does not have or decides by itself. */
static const char *const idle[] = {
	"cache_user_symbols",
	"cpp_demangle",
	"lazy_symbolication",
	"license",
	"log_size",
	"max_bpf_progs",
	"max_type_res_iterations",
	"on_stack_limit",
	"perf_rb_pages",
	"show_debug_info",
	"use_blazesym",
	"verify_llvm_ir",
};

/* What bpftrace wants to be told before it does something new is allowed here. */
static bool is_permission(const char *name)
{
	static const char prefix[] = "unstable_";
	static const char long_prefix[] = "bpftrace_unstable_";

	return strncasecmp(name, prefix, strlen(prefix)) == 0 ||
	       strncasecmp(name, long_prefix, strlen(long_prefix)) == 0;
}

enum { NROWS = sizeof(rows) / sizeof(rows[0]) };

struct plan *plan_get(struct compile *cc)
{
	struct plan *p = cc->plan;

	if (p)
		return p;
	p = ARENA_NEW(cc->arena, struct plan);
	p->source = cc->source;
	p->max_strlen = MAX_STRLEN;
	p->max_map_keys = MAX_MAP_KEYS;
	p->max_probes = MAX_PROBES;
	p->max_cat_bytes = MAX_CAT_BYTES;
	p->maps_at_end = true;
	p->trailer = "...";
	cc->plan = p;
	return p;
}

static void set_number(struct compile *cc, const struct config_row *row,
		       const struct node *value, void *field)
{
	int64_t n;

	if (!constant_int(value, &n))
		diag(cc, DIAG_unknown_config, value->span, "'%s' is a number",
		     row->name);
	else if (n < row->min || n > row->max)
		diag(cc, DIAG_unknown_config, value->span,
		     "'%s' must be from %u to %u, not %" PRId64, row->name, row->min,
		     row->max, n);
	else
		*(uint32_t *)field = (uint32_t)n;
}

/* A bare word or a string. */
static const char *word_of(const struct node *value)
{
	if (value->kind == NODE_STR)
		return value->string.bytes;
	if (value->kind == NODE_CALL && !value->call.has_parens)
		return value->call.name;
	return NULL;
}

static void set_word(struct compile *cc, const struct config_row *row,
		     const struct node *value, void *field)
{
	const char *word = word_of(value);
	struct suggestion near = { .word = word ? word : "" };
	const char *all = "";

	for (int i = 0; row->words[i]; i++) {
		if (word && strcmp(row->words[i], word) == 0) {
			*(enum missing_probes *)field = (enum missing_probes)i;
			return;
		}
		suggest(&near, row->words[i]);
		all = arena_printf(cc->arena, "%s%s\"%s\"", all, i ? ", " : "",
				   row->words[i]);
	}
	diag(cc, DIAG_unknown_config, value->span, "'%s' must be one of %s", row->name,
	     all);
	if (near.best)
		diag_hint(cc, "did you mean '%s'?", near.best);
}

static void set_text(struct compile *cc, const struct config_row *row,
		     const struct node *value, void *field)
{
	if (value->kind != NODE_STR)
		diag(cc, DIAG_unknown_config, value->span, "'%s' is a string",
		     row->name);
	else if (row->max && value->string.len > row->max)
		diag(cc, DIAG_unknown_config, value->span,
		     "'%s' has at most %u bytes, not %u", row->name, row->max,
		     value->string.len);
	else
		*(const char **)field = value->string.bytes;
}

static void set_flag(struct compile *cc, const struct config_row *row,
		     const struct node *value, void *field)
{
	int64_t n;

	if (!boolean_word(value, &n) && !constant_int(value, &n))
		diag(cc, DIAG_unknown_config, value->span, "'%s' is true or false",
		     row->name);
	else
		*(bool *)field = n != 0;
}

static void set_item(struct compile *cc, const struct config_row *row,
		     const struct node *value)
{
	void *field = (char *)cc->plan + row->offset;

	switch (row->kind) {
	case CONFIG_NUMBER:
		set_number(cc, row, value, field);
		break;
	case CONFIG_WORD:
		set_word(cc, row, value, field);
		break;
	case CONFIG_TEXT:
		set_text(cc, row, value, field);
		break;
	case CONFIG_FLAG:
		set_flag(cc, row, value, field);
		break;
	}
}

/* MAX_STRLEN and BPFTRACE_MAX_STRLEN, as variables of bpftrace's environment, too. */
static bool same_key(const char *key, const char *name)
{
	static const char prefix[] = "bpftrace_";

	if (strncasecmp(name, prefix, strlen(prefix)) == 0)
		name += strlen(prefix);
	return strcasecmp(key, name) == 0;
}

static bool is_idle(const char *name)
{
	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
		if (same_key(idle[i], name))
			return true;
	return false;
}

static const struct config_row *find_row(const char *name, struct suggestion *near)
{
	for (size_t i = 0; i < NROWS; i++) {
		if (same_key(rows[i].name, name))
			return &rows[i];
		suggest(near, rows[i].name);
	}
	return NULL;
}

static const char *takes(const struct config_row *row, char *text, size_t size)
{
	switch (row->kind) {
	case CONFIG_NUMBER:
		snprintf(text, size, "%" PRIu32 " to %" PRIu32, row->min, row->max);
		break;
	case CONFIG_WORD:
		*text = '\0';
		for (int i = 0; row->words[i]; i++)
			snprintf(text + strlen(text), size - strlen(text), "%s%s",
				 i ? " | " : "", row->words[i]);
		break;
	case CONFIG_TEXT:
		return "text";
	case CONFIG_FLAG:
		return "true | false";
	}
	return text;
}

void config_each(void (*found)(const struct config_key *key, void *arg), void *arg)
{
	char text[64];

	for (size_t i = 0; i < NROWS; i++) {
		const struct config_key key = {
			.name = rows[i].name,
			.takes = takes(&rows[i], text, sizeof(text)),
			.fallback = rows[i].fallback,
			.doc = rows[i].doc,
		};

		found(&key, arg);
	}
}

void config_apply(struct compile *cc)
{
	for (const struct config_item *c = cc->ast->config; c; c = c->next) {
		struct suggestion near = { .word = c->name };
		const struct config_row *row = find_row(c->name, &near);

		if (row) {
			set_item(cc, row, c->value);
			continue;
		}
		if (is_permission(c->name))
			continue;
		if (is_idle(c->name)) {
			diag(cc, DIAG_idle_config, c->span,
			     "'%s' sets nothing in memql", c->name);
			continue;
		}
		diag(cc, DIAG_unknown_config, c->span,
		     "there is no configuration key '%s'", c->name);
		if (near.best)
			diag_hint(cc, "did you mean '%s'?", near.best);
	}
	if (cc->options.max_strlen)
		cc->plan->max_strlen = cc->options.max_strlen;
}
