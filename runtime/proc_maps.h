/* The mappings of a running process, as /proc/PID/maps lists them. */
#ifndef MEMQL_PROC_MAPS_H
#define MEMQL_PROC_MAPS_H

#include <stdbool.h>
#include <stdint.h>

struct proc_mapping {
	uint64_t start, end; /* addresses; end is behind it */
	uint64_t offset;     /* of start in the file, bytes */
	uint64_t inode;
	uint32_t major, minor; /* of the device; stat() may say another one */
	bool executable;
	const char *name; /* "/path", "[vdso]", "" for anonymous memory */
};

/*
 * Call found for each mapping, in ascending order, until it returns non-zero; what it
 * gets is valid during the call only. 0, what found returned, or -errno: -ESRCH if there
 * is no such process.
 */
int proc_maps_each(int32_t pid, int (*found)(const struct proc_mapping *m, void *arg),
		   void *arg);

/* Take the mark off the name of a file that was deleted while mapped: true if it was. */
bool proc_maps_cut_deleted(char *name);

#endif
