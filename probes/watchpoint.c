/* watchpoint: a place in memory is read, written or executed, as the processor sees it. */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <string.h>

#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "probes/attach_event.h"
#include "probes/kinds.h"
#include "probes/point.h"
#include "runtime/session.h"

/* A site's pid: the process of -c, which is started later. */
enum { PID_OF_COMMAND = -1 };

/* In a site's config: the kind of access below, bytes above. */
enum { LENGTH_SHIFT = 8 };

static bool is_kernel_address(uint64_t address)
{
	return address >> 63;
}

/* "r", "w", "x", "rw": 0 if it is none. */
static uint32_t access_type(const char *mode)
{
	uint32_t type = 0;

	for (; *mode; mode++) {
		uint32_t bit = *mode == 'r'   ? HW_BREAKPOINT_R
			       : *mode == 'w' ? HW_BREAKPOINT_W
			       : *mode == 'x' ? HW_BREAKPOINT_X
					      : 0;

		if (!bit || type & bit)
			return 0;
		type |= bit;
	}
	return type;
}

static bool check_place(struct compile *cc, const struct attach_point *point,
			const struct probe_spec *spec, uint32_t type)
{
	bool of_process = cc->options.pid || cc->options.has_command;

	if (!type)
		return point_error(cc, point, "'%s' is no access: r, w, rw or x",
				   spec->symbol);
	if (type & HW_BREAKPOINT_X && type != HW_BREAKPOINT_X)
		return point_error(cc, point,
				   "x goes with neither r nor w: the processor watches "
				   "for one or the other");
	if (!(type & HW_BREAKPOINT_X) && spec->number % spec->length)
		return point_error(cc, point,
				   "the address is no multiple of %llu, the length",
				   (unsigned long long)spec->length);
	if (is_kernel_address(spec->number) || of_process)
		return true;
	point_error(cc, point, "this is an address of a program");
	diag_hint(cc, "-p says of which process, or -c starts one");
	return false;
}

static bool parse_watchpoint(struct compile *cc, const struct attach_point *point,
			     const char *rest, struct probe_spec *out)
{
	const char *parts[POINT_PARTS];
	size_t n = point_split(cc, point, rest, parts);

	if (n == 0)
		return false;
	if (n != 3 || !*parts[0])
		return point_error(cc, point,
				   "expected watchpoint:ADDRESS:LENGTH:ACCESS, found "
				   "'%s'",
				   point->text);
	if (strstr(parts[0], "+arg")) {
		diag(cc, DIAG_unsupported, point->span,
		     "watchpoints at an argument of a function are not in memql");
		diag_hint(cc,
			  "print the argument by a uprobe or kprobe there, and watch "
			  "that address");
		return false;
	}
	if (!point_number(parts[0], &out->number)) {
		point_error(cc, point, "'%s' is no address", parts[0]);
		diag_hint(cc,
			  "it is a number such as 0x7ffe1000, as nm or /proc/kallsyms "
			  "have it");
		return false;
	}
	if (!point_number(parts[1], &out->length) || out->length == 0 ||
	    out->length > 8 || out->length & (out->length - 1))
		return point_error(cc, point, "the length is 1, 2, 4 or 8 bytes");
	out->symbol = parts[2];
	return check_place(cc, point, out, access_type(parts[2]));
}

static int expand_watchpoint(struct compile *cc, const struct probe_spec *pattern,
			     probe_match_fn *match, void *arg, const char **what)
{
	const struct compile_options *o = &cc->options;
	struct probe_site site = {
		.name = arena_printf(cc->arena, "watchpoint:0x%llx:%llu:%s",
				     (unsigned long long)pattern->number,
				     (unsigned long long)pattern->length,
				     pattern->symbol),
		.offset = pattern->number,
		.config = access_type(pattern->symbol) | pattern->length
								 << LENGTH_SHIFT,
		.period = 1,
	};

	(void)what;
	if (!is_kernel_address(pattern->number))
		site.pid = o->pid ? o->pid : PID_OF_COMMAND;
	return match(&site, &point_no_args, arg);
}

static int attach_watchpoint(struct session *s, const struct image_program *p,
			     struct bpf_program *prog, const struct probe_site **failed)
{
	for (size_t i = 0; i < p->nsites; i++) {
		const struct probe_site *site = &p->sites[i];
		uint32_t type = (uint32_t)site->config & ((1 << LENGTH_SHIFT) - 1);
		struct perf_event_attr attr = {
			.type = PERF_TYPE_BREAKPOINT,
			.size = sizeof(attr),
			.bp_type = type,
			.bp_addr = site->offset,
			/* The kernel's rule for code. */
			.bp_len = type == HW_BREAKPOINT_X
					  ? sizeof(long)
					  : site->config >> LENGTH_SHIFT,
			.sample_period = site->period,
		};
		int32_t pid =
			site->pid == PID_OF_COMMAND ? session_child(s) : site->pid;
		size_t first = session_links(s);
		int err = pid ? attach_event_process(s, site, prog, &attr, pid)
			      : attach_event_cpus(s, site, prog, &attr, true);

		if (err && !session_skip_site(s, p, site, err)) {
			*failed = site;
			return err;
		}
		session_add_watch(s, site->offset, first);
	}
	return 0;
}

static const char *hint_watchpoint(int err)
{
	switch (-err) {
	case ENOSPC:
		return "the processor watches few places at once (x86 four), and others "
		       "have taken them";
	case EINVAL:
		return "the processor does not watch for that: x86 knows w, rw and x";
	case EOPNOTSUPP:
	case ENOENT:
	case ENODEV:
		return "this machine has no hardware breakpoints";
	}
	return NULL;
}

const struct probe_kind probe_watchpoint = {
	.name = "watchpoint",
	.alias = "w",
	.old_names = { "asyncwatchpoint", "aw" },
	.syntax = "watchpoint:ADDRESS:LENGTH:ACCESS",
	.summary = "memory is read, written or executed",
	.doc = "ADDRESS is of the kernel, or of the process of -p or -c; LENGTH 1, 2, 4 or "
	       "8 bytes, which divides the address; ACCESS is `w`, `rw` or `x`. The "
	       "processor watches, four places at most on x86, and it costs nothing until "
	       "one is touched. New threads of the process are watched too.",
	.example = "watchpoint:0xffffffff82a05000:8:w { @[comm] = count(); }",
	.flags = PROBE_SYSTEM_WIDE | PROBE_REGISTERS,
	.section = "perf_event",
	.parse = parse_watchpoint,
	.expand = expand_watchpoint,
	.attach = attach_watchpoint,
	.hint = hint_watchpoint,
};
