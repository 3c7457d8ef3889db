/* The socket: a statement per line in, a line of JSON out. */
#ifndef MEMSQLD_SERVER_H
#define MEMSQLD_SERVER_H

struct engine;
struct server;

/*
 * Listen on a unix socket at `path`, or in a new private directory for NULL, and serve
 * connections with a thread each. A stale socket is replaced, a live one is not. NULL
 * with errno set and in *what the path that failed, valid until the next call.
 */
struct server *server_start(struct engine *e, const char *path, const char **what);

const char *server_path(const struct server *s);

/* Hang up on all clients, once their running statement ends, and remove the socket. */
void server_stop(struct server *s);

#endif
