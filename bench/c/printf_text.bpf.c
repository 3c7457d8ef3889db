/* A line with text for each event. */
#include "lines.h"

struct record {
	__u64 numbers[2];
	char comm[16];
};

SEC("tracepoint/syscalls/sys_enter_lseek")
int line(struct syscall_enter *ctx)
{
	struct record *record = line_begin(sizeof(*record));

	if (!record)
		return 0;
	record->numbers[0] = bpf_get_current_pid_tgid() >> 32;
	record->numbers[1] = ctx->args[1];
	bpf_get_current_comm(record->comm, sizeof(record->comm));
	line_end(record);
	return 0;
}
