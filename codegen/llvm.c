#include <stdbool.h>
#include <stddef.h>

#include "codegen/internal.h"

/*
 * cmake/llvm.ld keeps LLVM's constructors from running before main(). Where the linker did
 * not take that script, they have run, and there are no such symbols.
 */
typedef void constructor(void);
extern constructor *const llvm_init_begin[] __attribute__((weak, visibility("hidden")));
extern constructor *const llvm_init_end[] __attribute__((weak, visibility("hidden")));

void llvm_start(void)
{
	/* LLVM's own state is global, too: once in a process. */
	static bool started;

	if (started)
		return;
	started = true;
	for (constructor *const *c = llvm_init_begin; c < llvm_init_end; c++)
		(*c)();
}
