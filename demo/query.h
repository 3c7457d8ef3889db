/* The statements memsqld understands. */
#ifndef MEMSQLD_QUERY_H
#define MEMSQLD_QUERY_H

#include "demo/ddl.h"
#include "demo/record.h"
#include "demo/work.h"

#define QUERY_WORK_MAX 32

/*
 *   statement := (SELECT | INSERT | UPDATE | DELETE) anything
 *              | USE name
 *              | COMMAND name [PARTITIONS count]
 *
 * In `anything`, each name( without a blank before the parenthesis is a work item and
 * must be one of work_kinds(); all else is decoration. COMMAND is one of those in
 * ddl_commands().
 */
enum query_kind { QUERY_WORK, QUERY_USE, QUERY_DDL };

struct query_item {
	const struct work_kind *kind;
	struct work_arg args[WORK_ARGS_MAX];
};

struct query {
	enum query_kind kind;
	unsigned nr_items; /* QUERY_WORK */
	struct query_item items[QUERY_WORK_MAX];
	const struct ddl_command *command; /* QUERY_DDL */
	char name[DDL_NAME_MAX]; /* QUERY_DDL: of what; QUERY_USE: the database */
	unsigned partitions;
};

/*
 * Understand a text, without allocating. 0, or WORK_SYNTAX with a sentence in error,
 * which has RECORD_ERROR_MAX bytes.
 */
int query_parse(const char *text, struct query *q, char *error);

#endif
