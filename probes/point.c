#include "probes/point.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/diag.h"
#include "core/number.h"
#include "parser/ast.h"
#include "sema/target.h"

const struct probe_layout point_no_args = { 0 };

/* The kernel's clock does not tick faster: it would silently take this instead. */
enum { SHORTEST_PERIOD = 10000 /* ns */ };

bool point_error(struct compile *cc, const struct attach_point *point, const char *fmt,
		 ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(cc->arena, fmt, ap);
	va_end(ap);
	diag(cc, DIAG_probe_syntax, point->span, "%s", text);
	return false;
}

size_t point_split(struct compile *cc, const struct attach_point *point,
		   const char *rest, const char *parts[POINT_PARTS])
{
	char *out = arena_strdup(cc->arena, rest);
	const char *p = rest;
	bool quoted = false;
	size_t n = 0;

	memset(parts, 0, sizeof(parts[0]) * POINT_PARTS);
	parts[n++] = out;
	for (; *p; p++) {
		if (*p == '"') {
			quoted = !quoted;
		} else if (*p != ':' || quoted) {
			*out++ = *p;
		} else if (n == POINT_PARTS) {
			point_error(cc, point, "too many parts in '%s'", point->text);
			return 0;
		} else {
			*out++ = '\0';
			parts[n++] = out;
		}
	}
	*out = '\0';
	if (quoted) {
		point_error(cc, point, "a quote in '%s' is not closed", point->text);
		return 0;
	}
	return n;
}

bool point_number(const char *text, uint64_t *out)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*out = strtoull(text, &end, 0);
	return *end == '\0' && errno == 0;
}

/* Units of a clock; nanoseconds each, 0 for a frequency. */
static const struct clock_unit {
	const char *name;
	uint64_t ns;
} clock_units[] = {
	{ "s", 1000000000 }, { "ms", 1000000 }, { "us", 1000 }, { "hz", 0 }, { 0 },
};

static const struct clock_unit *find_unit(const char *name)
{
	const struct clock_unit *u;

	for (u = clock_units; u->name; u++)
		if (strcmp(u->name, name) == 0)
			return u;
	return NULL;
}

/* "1s", "10ms": a duration as it is written elsewhere in the language. */
static bool parse_duration(struct compile *cc, const struct attach_point *point,
			   const char *text, struct probe_spec *out)
{
	struct number n;

	if (number_parse(text, strlen(text), &n) != NUMBER_OK)
		return point_error(cc, point, "'%s' is not a duration such as 10ms",
				   text);
	out->number = n.value;
	if (!n.is_duration) {
		point_error(cc, point, "'%s' has no unit", text);
		diag_hint(cc, "write %ss, %sms or hz:%s", text, text, text);
		return false;
	}
	return true;
}

static bool parse_count(struct compile *cc, const struct attach_point *point,
			const char *unit_text, const char *text, struct probe_spec *out)
{
	const struct clock_unit *u = find_unit(unit_text);
	struct number n;

	if (!u) {
		point_error(cc, point, "'%s' is not a unit: expected s, ms, us or hz",
			    unit_text);
		return false;
	}
	if (number_parse(text, strlen(text), &n) != NUMBER_OK || n.is_duration)
		return point_error(cc, point,
				   "expected a number after '%s:', found '%s'",
				   unit_text, text);
	out->number = n.value;
	if (!u->ns) {
		out->symbol = u->name;
		return true;
	}
	if (__builtin_mul_overflow(out->number, u->ns, &out->number))
		out->number = UINT64_MAX;
	return true;
}

bool point_period(struct compile *cc, const struct attach_point *point,
		  const char *rest, struct probe_spec *out)
{
	const char *parts[POINT_PARTS];
	size_t n = point_split(cc, point, rest, parts);
	uint64_t ns;

	if (n == 0)
		return false;
	if (n > 2)
		return point_error(cc, point, "too many parts in '%s'", point->text);
	if (!*parts[0])
		return point_error(cc, point,
				   "the period is missing: expected 1s, 10ms "
				   "or hz:99");
	if (n == 1 ? !parse_duration(cc, point, parts[0], out)
		   : !parse_count(cc, point, parts[0], parts[1], out))
		return false;

	if (out->number == 0)
		return point_error(cc, point, "a period cannot be 0");
	ns = out->symbol ? 1000000000 / out->number : out->number;
	if (ns < SHORTEST_PERIOD)
		return point_error(cc, point,
				   "the kernel's clock cannot tick more often "
				   "than every 10us (hz:100000)");
	if (ns > INT64_MAX)
		return point_error(cc, point, "the period is longer than 292 years");
	return true;
}

void point_guess(struct point_guess *g, const char *candidate)
{
	suggest(&g->near, candidate);
	/* The candidate's bytes may be gone after this call. */
	if (g->near.best == candidate)
		g->near.best = arena_strdup(g->cc->arena, candidate);
}

struct file_list {
	struct arena *arena;
	struct point_files *files;
};

static int add_file(const char *path, void *arg)
{
	struct file_list *l = arg;

	ARENA_PUSH(l->arena, l->files, arena_strdup(l->arena, path));
	return 0;
}

int point_files(struct compile *cc, const struct probe_spec *pattern,
		struct point_files *out, const char **what)
{
	const struct target *t = cc->target;
	struct file_list l = { .arena = cc->arena, .files = out };

	if (pattern->pid)
		*what = arena_printf(cc->arena, "process %d", pattern->pid);
	else if (glob_is_pattern(pattern->object) && pattern->object[0] != '/')
		*what = "the running programs";
	else
		*what = pattern->object;
	return t->ops->objects(t, pattern->object, pattern->pid, add_file, &l);
}

bool point_explain_files(struct compile *cc, const struct probe_spec *pattern,
			 const struct point_files *files)
{
	const char *object = pattern->object;

	if (files->n > 0)
		return false;
	if (pattern->pid)
		diag_hint(cc, "process %d does not use such a file", pattern->pid);
	else if (glob_is_pattern(object))
		diag_hint(cc, "no file or running program matches '%s'", object);
	else if (strchr(object, '/'))
		diag_hint(cc, "there is no file '%s'", object);
	else
		diag_hint(cc, "no program on PATH and no library is called '%s'",
			  object);
	return true;
}

static bool matches_any(const char *const *patterns, const char *text)
{
	while (*patterns && !glob_match(*patterns, text))
		patterns++;
	return *patterns;
}

bool point_of_others(const char *event)
{
	static const char *const names[] = {
		"sched_*",   "irq_*",   "softirq_*", "tasklet_*",     "timer_*",
		"hrtimer_*", "block_*", "nvme_*",    "scsi_*",        "workqueue_*",
		"napi_*",    "net_*",   "netif_*",   "tcp_*",         "udp_*",
		"inet_*",    "*_skb",   "cpu_*",     "local_timer_*", "reschedule_*",
		NULL,
	};

	return matches_any(names, event);
}

bool point_of_awake(const char *group, const char *event)
{
	static const char *const waiting[] = {
		"*_epoll_*", "*_rt_*",   "*_restart_syscall", "*_tgkill",
		"*_getpid",  "*_gettid", "*_clock_gettime",   NULL,
	};

	return strcmp(group, "syscalls") == 0 && !matches_any(waiting, event);
}

bool point_elsewhere(const struct compile *cc, const char *path, int32_t pid)
{
	const struct target *t = cc->target;

	return pid || (t->ops->runs_itself && !t->ops->runs_itself(t, path));
}
