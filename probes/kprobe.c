/* kprobe, kretprobe: the start, an instruction or the return of a kernel function. */
#include <errno.h>

#include "core/compile.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "probes/attach_kernel.h"
#include "probes/kernel_function.h"
#include "probes/kinds.h"
#include "probes/registers.h"
#include "probes/vars.h"
#include "sema/target.h"

static bool parse_kprobe(struct compile *cc, const struct attach_point *point,
			 const char *rest, struct probe_spec *out)
{
	return kernel_function_parse(cc, point, rest, true, out);
}

static bool parse_kretprobe(struct compile *cc, const struct attach_point *point,
			    const char *rest, struct probe_spec *out)
{
	return kernel_function_parse(cc, point, rest, false, out);
}

/* A dry run shows what the verifier says to programs that this kernel cannot attach. */
static bool has_kprobes(const struct compile *cc)
{
	const struct target *t = cc->target;

	return cc->options.dry_run || t->ops->has(t, FEATURE_KPROBE);
}

static int found_entry(struct kernel_function_search *s, struct probe_site *site)
{
	struct probe_layout layout = s->pattern->number ? registers_inside(s->cc->arena)
							: registers_entry(s->cc->arena);

	return s->match(site, &layout, s->arg);
}

static int found_return(struct kernel_function_search *s, struct probe_site *site)
{
	struct probe_layout layout = registers_return(s->cc->arena);

	return s->match(site, &layout, s->arg);
}

static int expand_kprobe(struct compile *cc, const struct probe_spec *pattern,
			 probe_match_fn *match, void *arg, const char **what)
{
	struct kernel_function_search s = {
		.cc = cc,
		.kind = &probe_kprobe,
		.pattern = pattern,
		.found = found_entry,
		.match = match,
		.arg = arg,
	};

	return has_kprobes(cc) ? kernel_function_expand(&s, what) : 0;
}

static int expand_kretprobe(struct compile *cc, const struct probe_spec *pattern,
			    probe_match_fn *match, void *arg, const char **what)
{
	struct kernel_function_search s = {
		.cc = cc,
		.kind = &probe_kretprobe,
		.pattern = pattern,
		.found = found_return,
		.match = match,
		.arg = arg,
	};

	return has_kprobes(cc) ? kernel_function_expand(&s, what) : 0;
}

static void explain(struct compile *cc, const struct probe_spec *pattern,
		    const char *kind)
{
	if (!has_kprobes(cc))
		diag_hint(cc,
			  "this kernel was built without kprobes "
			  "(CONFIG_KPROBE_EVENTS): tracepoint and rawtracepoint see "
			  "what its authors foresaw");
	else
		kernel_function_explain(cc, pattern, kind);
}

static void explain_kprobe(struct compile *cc, const struct probe_spec *pattern)
{
	explain(cc, pattern, probe_kprobe.name);
}

static void explain_kretprobe(struct compile *cc, const struct probe_spec *pattern)
{
	explain(cc, pattern, probe_kretprobe.name);
}

static int attach_kprobe(struct session *s, const struct image_program *p,
			 struct bpf_program *prog, const struct probe_site **failed)
{
	return attach_kernel(s, p, prog, false, failed);
}

static int attach_kretprobe(struct session *s, const struct image_program *p,
			    struct bpf_program *prog, const struct probe_site **failed)
{
	return attach_kernel(s, p, prog, true, failed);
}

static const struct builtin kprobe_vars[] = {
	VARS_REGISTERS("kprobe:vfs_read",
		       "Cast it to what it is; fentry knows the types by itself."),
	{ 0 },
};

static const struct builtin kretprobe_vars[] = {
	VARS_RETVAL("kretprobe:vfs_read /(int64)retval > 0/ { @ = hist(retval); }"),
	{ 0 },
};

const struct probe_kind probe_kprobe = {
	.name = "kprobe",
	.alias = "k",
	.syntax = "kprobe:[MODULE:]FUNCTION[+OFFSET]",
	.summary = "a function of the kernel is called",
	.doc = "FUNCTION and MODULE may hold * and ?; `vmlinux` is the kernel itself. With "
	       "an offset the probe is within the function: it must be where an "
	       "instruction begins. If several static functions have the name, all of "
	       "them are probed. Functions are no stable interface: they differ between "
	       "kernels, and the compiler may inline them. Where tracepoints tell the "
	       "same, they are better.",
	.example = "kprobe:vfs_read { @bytes = hist(arg2); }",
	.flags = PROBE_SYSTEM_WIDE | PROBE_REGISTERS | PROBE_OVERRIDES,
	.all = "*",
	.section = "kprobe",
	.c_section = "kprobe",
	.vars = kprobe_vars,
	.siblings = { &probe_kretprobe, &probe_fentry },
	.parse = parse_kprobe,
	.expand = expand_kprobe,
	.explain = explain_kprobe,
	.prepare = prepare_kernel,
	.attach = attach_kprobe,
};

const struct probe_kind probe_kretprobe = {
	.name = "kretprobe",
	.alias = "kr",
	.syntax = "kretprobe:[MODULE:]FUNCTION",
	.summary = "a function of the kernel returns",
	.doc = "FUNCTION and MODULE as in kprobe; `retval` is what it returns. Calls that "
	       "began before the probe was attached are not seen. The kernel remembers "
	       "some ten calls that are to return, and misses others meanwhile; from 6.7 "
	       "on memql can tell how many. fexit has no such limit, and it has types and "
	       "the arguments, and costs less.",
	.example = "kretprobe:vfs_read { @[(int64)retval < 0] = count(); }",
	.flags = PROBE_SYSTEM_WIDE | PROBE_REGISTERS,
	.section = "kretprobe",
	.c_section = "kretprobe",
	.vars = kretprobe_vars,
	.siblings = { &probe_kprobe, &probe_fexit },
	.parse = parse_kretprobe,
	.expand = expand_kretprobe,
	.explain = explain_kretprobe,
	.prepare = prepare_kernel,
	.attach = attach_kretprobe,
};
