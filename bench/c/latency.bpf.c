/* How long a function takes, and a line for the first event of another kind. */
#include "first.h"
#include "uprobe_pair.bpf.c"
