/* What runs once, and ends the host. */
#include "common.h"

SEC("syscall")
int begin(void *ctx)
{
	return 1;
}
