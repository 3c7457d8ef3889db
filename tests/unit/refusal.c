/* What the verifier says of places that nothing can be attached to: 6.18's words. */
#include "probes/probe.h"
#include "tests/unit/test.h"

int main(void)
{
	const struct probe_kind *fentry = probe_find("fentry"),
				*fexit = probe_find("fexit");

	CHECK(fentry->refusal(
		"Attaching tracing programs to function 'migrate_disable' "
		"is rejected."));
	CHECK(fexit->refusal("Attaching fexit/fsession/fmod_ret to __noreturn function "
			     "'do_exit' is rejected."));
	CHECK(fentry->refusal("The address of function vfs_read cannot be found"));
	CHECK(!fentry->refusal("R1 invalid mem access 'scalar'"));
	CHECK(!fentry->refusal(""));
	return test_failures();
}
