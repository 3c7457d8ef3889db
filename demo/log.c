/* A locked, buffered file. Statements never wait for it: it is written after them. */
#include "demo/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define LOG_BUFFER (1u << 20)

struct log {
	pthread_mutex_t mutex;
	FILE *file;
	int error; /* the first one, as errno */
};

struct log *log_open(const char *path)
{
	struct log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->file = fopen(path, "we");
	if (!log->file) {
		free(log);
		return NULL;
	}
	setvbuf(log->file, NULL, _IOFBF, LOG_BUFFER);
	pthread_mutex_init(&log->mutex, NULL);
	return log;
}

static void keep_error(struct log *log, int failed)
{
	if (failed && !log->error)
		log->error = errno ? errno : EIO;
}

void log_write(struct log *log, const char *line, size_t len)
{
	if (!log)
		return;
	pthread_mutex_lock(&log->mutex);
	keep_error(log, fwrite(line, 1, len, log->file) != len);
	pthread_mutex_unlock(&log->mutex);
}

void log_flush(struct log *log)
{
	if (!log)
		return;
	pthread_mutex_lock(&log->mutex);
	keep_error(log, fflush(log->file) != 0);
	pthread_mutex_unlock(&log->mutex);
}

int log_close(struct log *log)
{
	int error;

	if (!log)
		return 0;
	keep_error(log, fclose(log->file) != 0);
	error = log->error;
	pthread_mutex_destroy(&log->mutex);
	free(log);
	return -error;
}
