/* Reads JSON as memql writes it; docs/json.md. */
#ifndef MEMQL_JSON_H
#define MEMQL_JSON_H

struct arena;

enum json_kind { JSON_WORD, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

/* A value, and those behind it in the same array or object. */
struct json {
	enum json_kind kind;
	const char *name; /* of a member of an object; NULL elsewhere */
	const char *
		text; /* of a word (numbers, too) or text, whose escapes stay as they are */
	struct json *first; /* of an array or object */
	struct json *next;
};

/* The value at *at, which is moved behind it; NULL: there is none, or it is malformed. */
struct json *json_read(struct arena *a, const char **at);

/* The member of an object, or NULL; of NULL or anything else NULL, too. */
const struct json *json_member(const struct json *object, const char *name);

#endif
