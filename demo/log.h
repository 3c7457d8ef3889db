/* The log: one JSON line for each statement, in the order in which they ended. */
#ifndef MEMSQLD_LOG_H
#define MEMSQLD_LOG_H

#include <stddef.h>

struct log;

/* Create or truncate the file. NULL with errno set. */
struct log *log_open(const char *path);

/* Add a line. Failures are kept for log_close(). NULL log: nothing. */
void log_write(struct log *log, const char *line, size_t len);

/* Let readers see what was written so far. */
void log_flush(struct log *log);

/* Flush, close and free. 0, or -errno if any line did not make it. NULL is fine. */
int log_close(struct log *log);

#endif
