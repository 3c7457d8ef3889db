#include "probes/probe.h"

#include <string.h>

bool glob_is_pattern(const char *text)
{
	return text && strpbrk(text, "*?");
}

bool glob_match(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	/* After a mismatch only the latest star need take one more byte: the earlier
	 * ones cannot do better. So the time is at most pattern times text. */
	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			resume = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
