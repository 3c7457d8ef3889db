/* Did you mean ...? The distance is that of optimal string alignment. */
#include <ctype.h>
#include <string.h>

#include "core/diag.h"

enum { WORD_MAX = 63 }; /* bytes; nobody mistypes a longer word by accident */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* 0 if both bytes are the same letter. */
static unsigned differ(char a, char b)
{
	return tolower((unsigned char)a) != tolower((unsigned char)b);
}

/*
 * How many bytes to insert, delete, replace or swap with their neighbour to turn a into
 * b. Row i of the table holds the distances of a's first i bytes to every start of b; a
 * swap needs two rows back, so three are kept.
 */
static unsigned edit_distance(const char *a, size_t alen, const char *b, size_t blen)
{
	unsigned rows[3][WORD_MAX + 1];

	for (unsigned j = 0; j <= blen; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= alen; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3];
		unsigned *two_above = rows[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= blen; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1,
				      above[j - 1] + differ(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && !differ(a[i - 1], b[j - 2]) &&
			    !differ(a[i - 2], b[j - 1]) &&
			    two_above[j - 2] + 1 < row[j])
				row[j] = two_above[j - 2] + 1;
		}
	}
	return rows[alen % 3][blen];
}

void suggest(struct suggestion *s, const char *candidate)
{
	size_t wlen = strlen(s->word), clen = strlen(candidate);
	/* A third of the word: "cuont" is count, "foo" is not hello. */
	unsigned limit = wlen < 3 ? 0 : wlen < 6 ? 1 : (unsigned)wlen / 3;
	unsigned distance;

	if (wlen > WORD_MAX || clen > WORD_MAX)
		return;
	if (wlen > clen + limit || clen > wlen + limit)
		return;
	distance = edit_distance(s->word, wlen, candidate, clen);
	if (distance > limit || (s->best && distance >= s->distance))
		return;
	s->best = candidate;
	s->distance = distance;
}
