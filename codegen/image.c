/* A plan and its ELF file to what the runtime gets. No LLVM here: kept.c needs none. */
#include "codegen/image.h"

#include <stdio.h>

#include "codegen/internal.h"
#include "core/arena.h"

const char *image_seats(char room[IMAGE_NAME_MAX], const struct map_info *map)
{
	snprintf(room, IMAGE_NAME_MAX, "memql_seats%u", map->index);
	return room;
}

static void describe_programs(const struct compile *cc, struct image *img)
{
	struct arena *a = cc->arena;
	const struct plan *plan = cc->plan;
	struct image_program *out =
		ARENA_ARRAY(a, struct image_program, plan->programs.n);

	for (size_t i = 0; i < plan->programs.n; i++) {
		const struct program_info *p = plan->programs.items[i];
		const struct place at = source_place(cc->source, p->point.begin);

		out[i] = (struct image_program){
			.symbol = p->symbol,
			.point = arena_strndup(a, source_text(cc->source, p->point),
					       p->point.end - p->point.begin),
			.kind = p->kind,
			.sites = p->sites,
			.nsites = p->nsites,
			.sleepable = p->sleepable,
			.demoted = p->demoted,
			.of_engine = p->clause->engine != NULL,
			.file = at.name,
			.line = at.line,
		};
	}
	img->programs = out;
	img->nprograms = plan->programs.n;
}

struct image *image_new(const struct compile *cc, const void *elf, size_t elf_size,
			const struct image_loss *losses, size_t nlosses)
{
	struct image *img = ARENA_NEW(cc->arena, struct image);
	const struct plan *plan = cc->plan;

	img->elf = elf;
	img->elf_size = elf_size;
	img->stack_bytes = plan->stack_bytes;
	img->max_cat_bytes = plan->max_cat_bytes;
	img->names_user = plan->names_user;
	img->source_name = cc->source->name;
	img->missing_probes = plan->missing_probes;
	img->maps = (const struct map_info *const *)plan->maps.items;
	img->nmaps = plan->maps.n;
	img->actions = (const struct action_info *const *)plan->actions.items;
	img->nactions = plan->actions.n;
	img->losses = losses;
	img->nlosses = nlosses;
	img->maps_at_end = plan->maps_at_end;
	img->names = plan->names.items;
	img->nnames = plan->names.n;
	describe_programs(cc, img);
	return img;
}
