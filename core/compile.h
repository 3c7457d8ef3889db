/* One compilation: its memory, its messages, its machine. */
#ifndef MEMQL_COMPILE_H
#define MEMQL_COMPILE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/diag.h"
#include "core/source.h"

struct arena;
struct ast;
struct image;
struct intern;
struct listener;
struct object_cache;
struct plan;
struct target;

/* What the command line says about the program; strings outlive the compilation. */
struct compile_options {
	char *const *args; /* what follows the script's name; NULL-terminated */
	int nargs;
	int32_t pid;         /* -p: user space probes attach to this process; 0: all */
	uint32_t max_strlen; /* --max-strlen; 0: the script's config or the default */
	bool has_command;    /* -c: a process will run under our eyes */
	bool dry_run;        /* nothing will be attached */
	bool unsafe;         /* --unsafe: builtins may change the system */
	const char *packs;   /* folder of the engines' packs; NULL: there is none */
	const char *pack_places;    /* where it was looked for; NULL: nowhere */
	struct object_cache *cache; /* of earlier compilations; NULL: none */
	struct listener *listener;  /* with it: who hears what target is asked */
	bool keep_ir;        /* the image shall carry IR and BPF text for --dump */
	bool explain;        /* the image shall say what comes from where, and why */
	bool as_c;           /* with it: the image shall carry the programs as C */
	const char *without; /* with it: what to leave out, see codegen/why.def; NULL */
};

struct compile {
	struct arena *arena; /* owns every pointer below */
	struct intern *names;
	struct diag_list *diags;
	const struct target *target;
	struct compile_options options;

	/* Each stage fills one field and reads only those above it. */
	const struct source *source;
	struct ast *ast;
	struct plan *plan;
	const struct image *image;
};

/*
 * Make arena, names and an empty list of messages; target and options are the caller's.
 * compile_free() releases them with everything made for this compilation.
 */
struct compile *compile_new(const struct target *target,
			    const struct compile_options *options);
void compile_free(struct compile *cc);

#endif
