#include "cli/lesson.h"

#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "core/arena.h"
#include "core/diag.h"

enum action { ACTION_SHOW, ACTION_START, ACTION_SOLUTION, ACTION_CHECK, ACTION_RUN };

static const struct {
	const char *word, *value, *summary;
} rows[] = {
	[ACTION_SHOW] = { "", "", "the lesson itself" },
	[ACTION_START] = { "--start", "", "its program with the gap, to begin with" },
	[ACTION_SOLUTION] = { "--solution", "", "a program without the gap" },
	[ACTION_CHECK] = { "--check", " FILE", "whether your program is right (root)" },
	[ACTION_RUN] = { "--run", " FILE", "your program on the lesson's work (root)" },
};

enum { NROWS = sizeof(rows) / sizeof(rows[0]) };

static void help(FILE *out)
{
	fputs("A course of short lessons, each with a program that has a gap.\n\n"
	      "memql lesson             this text\n",
	      out);
	for (int i = 0; i < NROWS; i++) {
		char usage[64];

		snprintf(usage, sizeof(usage), "memql lesson N%s%s%s", i ? " " : "",
			 rows[i].word, rows[i].value);
		fprintf(out, "%-33s%s\n", usage, rows[i].summary);
	}
	fputs("\nmemql lesson 1 --start > my.mq, an editor, and memql lesson 1 --check my.mq.\n"
	      "What is traced is memsqld, the demo engine; no other program is touched.\n",
	      out);
}

static int overview(struct arena *a)
{
	help(stdout);
	putchar('\n');
	if (lesson_list(a, stdout))
		return EXIT_SUCCESS;
	fputs("memql: the lessons are not installed\n", stderr);
	return EXIT_FAILURE;
}

/* NROWS after a message, if there is no such word or its file is missing. */
static int find_action(int n, char *const *words)
{
	struct suggestion near = { 0 };

	if (n == 0)
		return ACTION_SHOW;
	near.word = words[0];
	for (int i = 1; i < NROWS; i++) {
		if (strcmp(words[0], rows[i].word) == 0) {
			if (n == (*rows[i].value ? 2 : 1))
				return i;
			fprintf(stderr, "memql: memql lesson N %s%s is the form\n",
				rows[i].word, rows[i].value);
			return NROWS;
		}
		suggest(&near, rows[i].word);
	}
	fprintf(stderr, "memql: a lesson has no '%s'", words[0]);
	if (near.best)
		fprintf(stderr, "; did you mean %s?", near.best);
	fputs("\nmemql lesson tells more\n", stderr);
	return NROWS;
}

/* Without the marks that only Markdown wants: programs are indented instead. */
static void show_page(const char *text)
{
	bool fenced = false;
	size_t n;

	for (; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (strncmp(text, "```", 3) == 0)
			fenced = !fenced;
		else
			printf("%s%.*s\n", fenced && n ? "    " : "", (int)n, text);
	}
}

static void show(const struct lesson *l, const char *number)
{
	show_page(l->text);
	printf("\nYour turn: memql lesson %s --start > my.mq, change it, and\n"
	       "sudo memql lesson %s --check my.mq\n",
	       number, number);
}

static int act(struct arena *a, const struct lesson *l, char *const *words, int action,
	       const char *file)
{
	switch ((enum action)action) {
	case ACTION_SHOW:
		show(l, words[0]);
		return EXIT_SUCCESS;
	case ACTION_START:
		fputs(l->gap, stdout);
		return EXIT_SUCCESS;
	case ACTION_SOLUTION:
		fputs(l->solution, stdout);
		return EXIT_SUCCESS;
	case ACTION_CHECK:
		return lesson_check(a, l, file);
	case ACTION_RUN:
		return lesson_run(a, l, file);
	}
	return EXIT_FAILURE;
}

int lesson(const struct target *target, const struct options *o)
{
	struct arena *a = arena_new();
	char *const *words = o->args;
	const struct lesson *l;
	int action, status = EXIT_FAILURE;

	(void)target;
	if (o->nargs == 0 || strcmp(words[0], "--help") == 0) {
		status = overview(a);
	} else {
		action = find_action(o->nargs - 1, words + 1);
		l = action < NROWS ? lesson_find(a, words[0]) : NULL;
		if (l)
			status = act(a, l, words, action, words[o->nargs - 1]);
	}
	arena_free(a);
	return status;
}
