/* The rows, each in the file of its name; registry.c puts them in order. */
#ifndef MEMQL_KINDS_H
#define MEMQL_KINDS_H

struct probe_kind;

extern const struct probe_kind probe_begin, probe_end, probe_self;
extern const struct probe_kind probe_interval, probe_profile;
extern const struct probe_kind probe_tracepoint;
extern const struct probe_kind probe_rawtracepoint;
extern const struct probe_kind probe_software, probe_hardware;
extern const struct probe_kind probe_watchpoint;
extern const struct probe_kind probe_kprobe, probe_kretprobe;
extern const struct probe_kind probe_fentry, probe_fexit;
extern const struct probe_kind probe_iter;
extern const struct probe_kind probe_uprobe, probe_uretprobe;
extern const struct probe_kind probe_usdt;

#endif
