/* File I/O of the engine. */
#include "demo/data.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int data_tmpfile(const char *dir, int flags)
{
	char path[PATH_MAX];
	int fd;

	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | flags, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd >= 0 ? fd : -errno;
	/* Some file systems (overlays of old kernels, 9p) have no O_TMPFILE. */
	if (snprintf(path, sizeof(path), "%s/memsqld-XXXXXX", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC | flags);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

/* Not zeros: a device below us may store those as nothing. */
static void fill_pattern(unsigned char *buf, size_t len)
{
	uint32_t x = 2463534242u;

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		buf[i] = (unsigned char)x;
	}
}

static int data_fill(struct data *d)
{
	void *buf;
	int rc = 0;

	if (posix_memalign(&buf, DATA_BLOCK, DATA_IO_MAX) != 0)
		return -ENOMEM;
	fill_pattern(buf, DATA_IO_MAX);
	for (off_t at = 0; at < DATA_SIZE && rc == 0; at += DATA_IO_MAX) {
		ssize_t n = pwrite(d->fd, buf, DATA_IO_MAX, at);

		if (n != DATA_IO_MAX)
			rc = n < 0 ? -errno : -ENOSPC;
	}
	free(buf);
	if (rc == 0 && fdatasync(d->fd) != 0)
		rc = -errno;
	return rc;
}

static int try_open(struct data *d, const char *dir, bool direct)
{
	int rc;

	d->direct = direct;
	d->fd = data_tmpfile(dir, direct ? O_DIRECT : 0);
	if (d->fd < 0)
		return d->fd;
	rc = data_fill(d);
	if (rc < 0)
		data_close(d);
	return rc;
}

int data_open(struct data *d, const char *dir)
{
	int rc = try_open(d, dir, true);

	/* EINVAL comes from open() or, on some file systems, from the first write. */
	return rc == -EINVAL ? try_open(d, dir, false) : rc;
}

void data_close(struct data *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

static off_t data_place(size_t len, uint64_t random)
{
	uint64_t places = (DATA_SIZE - len) / DATA_BLOCK + 1;

	return (off_t)(random % places * DATA_BLOCK);
}

ssize_t data_read(struct data *d, void *buf, size_t len, uint64_t random)
{
	ssize_t n = pread(d->fd, buf, len, data_place(len, random));

	return n < 0 ? -errno : n;
}

void data_misread(struct data *d, void *buf)
{
	if (pread(d->fd, buf, DATA_BLOCK, -DATA_BLOCK) >= 0)
		abort();
}

ssize_t data_write(struct data *d, const void *buf, size_t len, uint64_t random)
{
	ssize_t n = pwrite(d->fd, buf, len, data_place(len, random));

	return n < 0 ? -errno : n;
}
