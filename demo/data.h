/* The data file that read() and write() work on, and other files nobody else sees. */
#ifndef MEMSQLD_DATA_H
#define MEMSQLD_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DATA_BLOCK 4096        /* offsets, sizes and buffers are multiples of it */
#define DATA_SIZE (16u << 20)  /* bytes in the data file */
#define DATA_IO_MAX (1u << 20) /* bytes in one read or write */

struct data {
	int fd;      /* -1 when closed */
	bool direct; /* O_DIRECT: each read and write reaches the device */
};

/*
 * A new file in dir that has no name and vanishes when closed: its descriptor, or
 * -errno. `flags` go to open().
 */
int data_tmpfile(const char *dir, int flags);

/*
 * Make the data file in dir, filled, so that reads are not of holes. Falls back to
 * buffered I/O where the file system refuses O_DIRECT. 0 or -errno.
 */
int data_open(struct data *d, const char *dir);
void data_close(struct data *d);

/* One pread or pwrite of len bytes at a block picked by `random`: bytes or -errno. */
ssize_t data_read(struct data *d, void *buf, size_t len, uint64_t random);
ssize_t data_write(struct data *d, const void *buf, size_t len, uint64_t random);

/* One pread at a place that no file has: EINVAL. */
void data_misread(struct data *d, void *buf);

#endif
