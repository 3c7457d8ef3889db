#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/lesson.h"
#include "cli/script.h"
#include "core/arena.h"

enum { LESSONS_MAX = 99, FILE_MAX_BYTES = 16 << 20 };

static const char solution_heading[] = "\n## Solution\n";

char *lesson_read(struct arena *a, const char *path)
{
	FILE *fp = fopen(path, "re");
	char *text;
	size_t n;

	if (!fp)
		return NULL;
	text = arena_alloc(a, FILE_MAX_BYTES + 1);
	errno = 0;
	n = fread(text, 1, FILE_MAX_BYTES, fp);
	fclose(fp);
	return errno ? NULL : arena_strndup(a, text, n);
}

/* Of the files "NN_name.md": the path of number N, or NULL. */
static const char *find_file(struct arena *a, const char *folder, long number)
{
	DIR *dir = folder ? opendir(folder) : NULL;
	const char *found = NULL;
	const struct dirent *e;

	while (dir && !found && (e = readdir(dir))) {
		char *end;

		if (strtol(e->d_name, &end, 10) == number && *end == '_')
			found = arena_printf(a, "%s/%s", folder, e->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* What stands behind "key: " at the beginning of a line of the head. */
static const char *head_value(struct arena *a, const char *head, const char *key)
{
	const char *at = strstr(head, arena_printf(a, "\n%s: ", key));

	if (!at)
		return "";
	at += strlen(key) + 3;
	return arena_strndup(a, at, strcspn(at, "\n"));
}

/* The first block of the page with this info string. */
static const char *block(struct arena *a, const char *page, const char *info)
{
	const char *begin = strstr(page, arena_printf(a, "\n```%s\n", info));
	const char *end;

	if (!begin)
		return "";
	begin = strchr(begin + 1, '\n') + 1;
	end = strstr(begin, "```\n");
	return end ? arena_strndup(a, begin, (size_t)(end - begin)) : "";
}

static const struct lesson *read_lesson(struct arena *a, const char *path)
{
	const char *page = lesson_read(a, path);
	const char *text = page ? strstr(page, "\n---\n") : NULL;
	struct lesson *l = ARENA_NEW(a, struct lesson);
	const char *head, *end;

	if (!text)
		return NULL;
	head = arena_strndup(a, page, (size_t)(text - page) + 1);
	text += strlen("\n---\n");
	end = strstr(text, solution_heading);
	*l = (struct lesson){
		.title = head_value(a, head, "title"),
		.workload = head_value(a, head, "workload"),
		.arguments = head_value(a, head, "arguments"),
		.compare = head_value(a, head, "compare"),
		.hint = head_value(a, head, "hint"),
		.text = end ? arena_strndup(a, text, (size_t)(end - text)) : text,
		.gap = block(a, text, "memql gap"),
		.solution = block(a, text, "memql solution"),
	};
	return l;
}

const struct lesson *lesson_find(struct arena *a, const char *number)
{
	const char *folder = script_lessons(a), *path;
	const struct lesson *l = NULL;
	char *end;
	long n = strtol(number, &end, 10);

	path = *end || n < 1 ? NULL : find_file(a, folder, n);
	if (path)
		l = read_lesson(a, path);
	if (!folder)
		fputs("memql: the lessons are not installed\n", stderr);
	else if (!path)
		fprintf(stderr,
			"memql: there is no lesson '%s'; memql lesson lists them\n",
			number);
	else if (!l)
		fprintf(stderr, "memql: %s: no lesson\n", path);
	return l;
}

size_t lesson_list(struct arena *a, FILE *out)
{
	const char *folder = script_lessons(a);
	size_t n = 0;

	for (long i = 1; i <= LESSONS_MAX; i++) {
		const char *path = find_file(a, folder, i);
		const struct lesson *l = path ? read_lesson(a, path) : NULL;

		if (!l)
			continue;
		fprintf(out, "  %2ld  %s\n", i, l->title);
		n++;
	}
	return n;
}
