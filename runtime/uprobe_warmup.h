/*
 * The first uprobe that is put anywhere makes the kernel wait for all CPUs (a grace period
 * of RCU: uprobe_register() takes the write side of dup_mmap_sem), 5 to 20 ms; the next do
 * not, for as long again. A thread puts one where nobody runs into it, a file in memory,
 * while programs are compiled and loaded.
 */
#ifndef MEMQL_UPROBE_WARMUP_H
#define MEMQL_UPROBE_WARMUP_H

#include <stdbool.h>

struct uprobe_warmup;

/*
 * Uprobes will be attached. NULL: this kernel has no uprobe_multi, or there is no thread.
 * Nothing is said of errors: then the first attachment waits, as it would without.
 */
struct uprobe_warmup *uprobe_warmup_start(void);

/*
 * Programs are about to be loaded: the probe is taken off, which makes the kernel ready
 * once more. Does not wait; NULL is fine, as below.
 */
void uprobe_warmup_finish(struct uprobe_warmup *w);

/* Whether the thread makes no system calls any more; also for NULL. */
bool uprobe_warmup_is_over(struct uprobe_warmup *w);

/* Wait until nothing is left of it. */
void uprobe_warmup_close(struct uprobe_warmup *w);

#endif
