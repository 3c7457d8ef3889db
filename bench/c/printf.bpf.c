/* A line for each event. */
#include "lines.h"

SEC("tracepoint/syscalls/sys_enter_lseek")
int line(struct syscall_enter *ctx)
{
	__u64 *record = line_begin(2 * sizeof(*record));

	if (!record)
		return 0;
	record[0] = bpf_get_current_pid_tgid() >> 32;
	record[1] = ctx->args[1];
	line_end(record);
	return 0;
}
