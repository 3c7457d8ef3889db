/*
 * Answers questions about addresses, for tests/runtime/symbols.py: a line each, numbers in
 * hexadecimal.
 *
 *   user PID ADDRESS...    for each address: name, offset, file, offset in the file
 *   kernel ADDRESS...
 *   show PID ADDRESS       as text, with everything
 *   track PID              begin to track; 0: all processes
 *   poll                   as the event loop does
 *   losses                 "N: what" for each, then an empty line
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sink.h"
#include "runtime/symbols.h"

static void print_symbol(const struct symbol *f)
{
	printf("%s\t%" PRIx64 "\t%s\t%" PRIx64 "\n", f->name ? f->name : "?", f->offset,
	       f->file ? f->file : "?", f->file_offset);
}

static void print_loss(uint64_t count, const char *noun, const char *rest, void *arg)
{
	(void)arg;
	printf("%" PRIu64 ": %ss%s\n", count, noun, rest);
}

static void answer(struct symbols *s, const char *command, char *rest)
{
	struct text text = { 0 };
	struct symbol found;

	if (strcmp(command, "user") == 0) {
		int32_t pid = (int32_t)strtol(strtok(rest, " "), NULL, 10);

		while ((rest = strtok(NULL, " "))) {
			symbols_user(s, pid, strtoull(rest, NULL, 16), &found);
			print_symbol(&found);
		}
	} else if (strcmp(command, "kernel") == 0) {
		for (rest = strtok(rest, " "); rest; rest = strtok(NULL, " ")) {
			symbols_kernel(s, strtoull(rest, NULL, 16), &found);
			print_symbol(&found);
		}
	} else if (strcmp(command, "show") == 0) {
		int32_t pid = (int32_t)strtol(rest, &rest, 10);

		symbols_add_user(s, &text, pid, strtoull(rest, NULL, 16),
				 SYMBOLS_OFFSET | SYMBOLS_FILE);
		printf("%s\n", text.bytes);
	} else if (strcmp(command, "track") == 0) {
		printf("%d\n", symbols_track_start(s, (int32_t)strtol(rest, NULL, 10)));
	} else if (strcmp(command, "poll") == 0) {
		symbols_track_poll(s);
		printf("polled\n");
	} else if (strcmp(command, "losses") == 0) {
		symbols_losses(s, print_loss, NULL);
		printf("\n");
	} else {
		printf("what?\n");
	}
	text_free(&text);
}

int main(int argc, char **argv)
{
	struct symbols_options options = { .debug_root = argc > 1 ? argv[1] : NULL };
	struct symbols *s = symbols_open(&options);
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) {
		char *rest = line + strcspn(line, " \n");

		line[strcspn(line, "\n")] = '\0';
		if (*rest)
			*rest++ = '\0';
		answer(s, line, rest);
		fflush(stdout);
	}
	free(line);
	symbols_close(s);
	return 0;
}
