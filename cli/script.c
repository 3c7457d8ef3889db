#include "cli/script.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/diag.h"

static const char ending[] = ".mq";

static const char *directory(void)
{
	const char *own = getenv("MEMQL_SCRIPTS");

	return own && *own ? own : MEMQL_SCRIPT_DIR;
}

/* Calls found with the name of each installed script. */
static void each_script(void (*found)(const char *name, void *arg), void *arg)
{
	DIR *dir = opendir(directory());
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		const char *end = strrchr(e->d_name, '.');

		if (end && strcmp(end, ending) == 0)
			found(e->d_name, arg);
	}
	if (dir)
		closedir(dir);
}

const char *script_find(struct arena *a, const char *name)
{
	const char *const endings[] = { "", ending };

	if (strchr(name, '/') || strcmp(name, "-") == 0 || access(name, F_OK) == 0)
		return name;
	for (int i = 0; i < 2; i++) {
		const char *path =
			arena_printf(a, "%s/%s%s", directory(), name, endings[i]);

		if (access(path, F_OK) == 0)
			return path;
	}
	return name;
}

/* Of the tree that this memql was built in, as build/PRESET/memql. */
static const char *built(struct arena *a, const char *folder)
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe));

	for (int up = 0; up < 3 && n > 0; up++)
		while (--n > 0 && exe[n] != '/')
			;
	return n > 0 ? arena_printf(a, "%.*s/%s", (int)n, exe, folder) : NULL;
}

static const char *first_there(const char *const *places, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (places[i] && access(places[i], R_OK) == 0)
			return places[i];
	return NULL;
}

const char *script_lessons(struct arena *a)
{
	const char *places[] = {
		built(a, "docs/lessons"),
		arena_printf(a, "%s/../lessons", directory()),
	};

	return first_there(places, sizeof(places) / sizeof(places[0]));
}

enum { PLACES = 3 };

static void pack_places(struct arena *a, const char *script, const char *places[PLACES])
{
	const char *slash = script ? strrchr(script, '/') : NULL;
	const char *beside =
		slash ? arena_printf(a, "%.*s/engines", (int)(slash - script), script)
		      : "engines";

	places[0] = script ? beside : NULL;
	places[1] = arena_printf(a, "%s/engines", directory());
	places[2] = built(a, "scripts/engines");
}

const char *script_packs(struct arena *a, const char *script)
{
	const char *places[PLACES];

	pack_places(a, script, places);
	return first_there(places, PLACES);
}

const char *script_pack_places(struct arena *a, const char *script)
{
	const char *places[PLACES], *text = "";

	pack_places(a, script, places);
	for (size_t i = 0; i < PLACES; i++)
		if (places[i])
			text = arena_printf(a, "%s%s%s", text, *text ? ", " : "",
					    places[i]);
	return text;
}

struct guess {
	struct suggestion near;
	char name[256]; /* what near.best points to */
};

static void compare(struct guess *g, const char *name, size_t len)
{
	char copy[sizeof(g->name)];

	snprintf(copy, sizeof(copy), "%.*s", (int)len, name);
	suggest(&g->near, copy);
	if (g->near.best == copy)
		g->near.best = memcpy(g->name, copy, sizeof(copy));
}

/* Scripts may be named without their ending. */
static void compare_both(const char *name, void *arg)
{
	compare(arg, name, strlen(name));
	compare(arg, name, strcspn(name, "."));
}

void script_suggest(const char *name)
{
	const char *slash = strrchr(name, '/');
	struct guess g = { .near.word = slash ? slash + 1 : name };

	each_script(compare_both, &g);
	if (g.near.best)
		fprintf(stderr, "  hint: did you mean '%s'?\n", g.near.best);
}

static void print_name(const char *name, void *arg)
{
	fprintf(arg, "%s\n", name);
}

void script_list(FILE *out)
{
	each_script(print_name, out);
}
