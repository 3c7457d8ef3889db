/* The tree before names mean anything: packs, macros, events. */
#include "sema/event.h"

bool expand(struct compile *cc)
{
	if (!packs_load(cc) || !macros_expand(cc))
		return false;
	packs_prune(cc);
	return events_expand(cc);
}
