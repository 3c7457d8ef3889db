#include "runtime/about.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <bpf/libbpf.h>

void about_fill(struct about *out)
{
	struct utsname name;

	*out = (struct about){ .memql = MEMQL_VERSION, .llvm = MEMQL_LLVM_VERSION };
	snprintf(out->libbpf, sizeof(out->libbpf), "%s", libbpf_version_string());
	if (uname(&name))
		return;
	memcpy(out->kernel, name.release, sizeof(out->kernel));
	memcpy(out->build, name.version, sizeof(out->build));
	memcpy(out->arch, name.machine, sizeof(out->arch));
}
