/* memql lesson: the course, which is the files of docs/lessons. */
#ifndef MEMQL_LESSON_H
#define MEMQL_LESSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct arena;
struct options;
struct target;

/*
 * A lesson is a page in Markdown: "NN_name.md". At its head, between two lines "---", are
 * lines "key: value", which fill the members named like the keys; a program with a gap
 * and one without are in blocks "```memql gap" and "```memql solution". No lesson has code
 * of its own. All texts are the arena's; what the page does not have is "".
 */
struct lesson {
	const char *title;
	const char *workload;  /* options of the demo engine */
	const char *arguments; /* of the program; PID in it is the engine's process */
	const char *compare;   /* names and tolerances: see lesson_compare() */
	const char *hint;      /* for who is wrong */
	const char *text;      /* up to the heading of the solution */
	const char *gap, *solution;
};

/* What o->args say; nothing is asked of the machine. The exit status. */
int lesson(const struct target *target, const struct options *o);

/* Lessons are counted from 1. NULL after a message on standard error. */
const struct lesson *lesson_find(struct arena *a, const char *number);

/* Number and title of each, a line each; how many there are. */
size_t lesson_list(struct arena *a, FILE *out);

/*
 * Runs the program in the file beside the solution, both on one run of the demo engine,
 * and says how their results differ. An exit status: success if they do not.
 */
int lesson_check(struct arena *a, const struct lesson *l, const char *file);

/* Runs the program on the lesson's workload, and shows what it prints. An exit status. */
int lesson_run(struct arena *a, const struct lesson *l, const char *file);

/*
 * Says on out how the results in JSON (docs/json.md) differ in what "compare" names:
 * "@calls, @latency 5%, printf". A number may be wrong by so much of the largest number
 * of its kind (the map, and the member of a value); without a percentage it must be the
 * same. True if nothing differs.
 */
bool lesson_compare(struct arena *a, const char *compare, const char *want,
		    const char *got, FILE *out);

/* The whole file, NUL-terminated; NULL: it cannot be read, and errno says why. */
char *lesson_read(struct arena *a, const char *path);

#endif
