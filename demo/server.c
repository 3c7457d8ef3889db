/* The server: a thread that accepts and one for each connection. */
#include "demo/server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "demo/engine.h"

#define SERVER_CONNECTIONS 64
#define SERVER_LINE_MAX (1u << 20) /* bytes, with the newline */

struct connection {
	struct server *server;
	pthread_t thread;
	int fd;
	bool used;        /* the accepting thread's */
	atomic_bool done; /* the thread may be joined */
	struct session session;
	char *line; /* SERVER_LINE_MAX bytes */
};

struct server {
	struct engine *engine;
	struct sockaddr_un addr;
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* ours; "": none */
	int listen_fd, stop_fd;
	pthread_t thread;
	struct connection connections[SERVER_CONNECTIONS];
};

/* false when the client is gone */
static bool send_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool send_error(int fd, const char *message)
{
	size_t len;
	char *line = record_json_error(message, &len);
	bool sent = line && send_all(fd, line, len);

	free(line);
	return sent;
}

static bool answer(struct connection *c, const char *text)
{
	struct record r;
	bool sent;
	char *line;
	size_t len;
	int rc;

	rc = session_run(&c->session, text, &r);
	if (rc < 0)
		return send_error(c->fd, strerror(-rc));
	line = record_json(&r, &len);
	sent = line && send_all(c->fd, line, len);
	free(line);
	return sent;
}

/* One line of `len` bytes without its newline. */
static bool handle_line(struct connection *c, char *text, size_t len)
{
	if (len && text[len - 1] == '\r')
		len--;
	text[len] = '\0';
	if (strlen(text) != len)
		return send_error(c->fd, "a statement cannot contain a NUL byte");
	if (text[strspn(text, " \t")] == '\0')
		return true;
	return answer(c, text);
}

/* Handle the complete lines among `used` bytes: how many bytes are left, or -1. */
static ssize_t handle_lines(struct connection *c, size_t used)
{
	char *at = c->line, *end = c->line + used, *newline;

	while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
		if (atomic_load(&c->server->engine->stopping) ||
		    !handle_line(c, at, (size_t)(newline - at)))
			return -1;
		at = newline + 1;
	}
	memmove(c->line, at, (size_t)(end - at));
	return end - at;
}

static void serve(struct connection *c)
{
	ssize_t used = 0, n;

	for (;;) {
		n = recv(c->fd, c->line + used, SERVER_LINE_MAX - (size_t)used, 0);
		if (n <= 0)
			break;
		used = handle_lines(c, (size_t)(used + n));
		if (used < 0)
			return;
		if (used == SERVER_LINE_MAX) {
			send_error(c->fd, "a statement is longer than a megabyte");
			return;
		}
	}
	/* The last line may lack its newline. */
	if (n == 0 && used > 0 && !atomic_load(&c->server->engine->stopping))
		handle_line(c, c->line, (size_t)used);
}

static void *connection_main(void *arg)
{
	struct connection *c = arg;
	char name[16];

	snprintf(name, sizeof(name), "memsqld-conn%u",
		 (unsigned)c->session.conn_id % 1000);
	pthread_setname_np(pthread_self(), name);
	serve(c);
	/* Who joins us closes the descriptor, lest a stranger's be shut down. */
	shutdown(c->fd, SHUT_RDWR);
	atomic_store(&c->done, true);
	return NULL;
}

static void release(struct connection *c)
{
	pthread_join(c->thread, NULL);
	session_close(&c->session);
	free(c->line);
	close(c->fd);
	c->used = false;
}

static struct connection *find_free(struct server *s)
{
	struct connection *found = NULL;

	for (size_t i = 0; i < SERVER_CONNECTIONS; i++) {
		struct connection *c = &s->connections[i];

		if (c->used && atomic_load(&c->done))
			release(c);
		if (!c->used)
			found = c;
	}
	return found;
}

/* Serve fd by a new thread. 0 or -errno. */
static int connection_start(struct connection *c, struct server *s, int fd)
{
	int rc;

	c->server = s;
	c->fd = fd;
	atomic_store(&c->done, false);
	c->line = malloc(SERVER_LINE_MAX + 1);
	if (!c->line)
		return -ENOMEM;
	rc = session_open(&c->session, s->engine);
	if (rc < 0)
		goto out_line;
	rc = -pthread_create(&c->thread, NULL, connection_main, c);
	if (rc == 0) {
		c->used = true;
		return 0;
	}
	session_close(&c->session);
out_line:
	free(c->line);
	return rc;
}

static void accept_one(struct server *s)
{
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	struct connection *c;
	int rc;

	if (fd < 0)
		return;
	c = find_free(s);
	rc = c ? connection_start(c, s, fd) : -EMFILE;
	if (rc == 0)
		return;
	send_error(fd, c ? strerror(-rc) : "too many connections");
	close(fd);
}

static void *accept_main(void *arg)
{
	struct server *s = arg;
	struct pollfd fds[] = {
		{ .fd = s->listen_fd, .events = POLLIN },
		{ .fd = s->stop_fd, .events = POLLIN },
	};

	pthread_setname_np(pthread_self(), "memsqld-accept");
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			break;
		if (fds[0].revents)
			accept_one(s);
	}
	return NULL;
}

/* A private directory for the socket; 0 or -1 with errno. */
static int make_dir(struct server *s)
{
	const char *base = getenv("XDG_RUNTIME_DIR");

	for (int try = 0; try < 2; try++, base = "/tmp") {
		int len;

		if (!base || !*base)
			continue;
		len = snprintf(s->dir, sizeof(s->dir), "%s/memsqld-XXXXXX", base);
		/* "/socket" must fit behind it */
		if (len < (int)sizeof(s->dir) - 8 && mkdtemp(s->dir))
			return 0;
	}
	s->dir[0] = '\0';
	return -1;
}

static int set_path(struct server *s, const char *path)
{
	size_t size = sizeof(s->addr.sun_path);
	int len;

	s->addr.sun_family = AF_UNIX;
	if (!path && make_dir(s) != 0)
		return -1;
	len = path ? snprintf(s->addr.sun_path, size, "%s", path)
		   : snprintf(s->addr.sun_path, size, "%s/socket", s->dir);
	if (len > 0 && (size_t)len < size)
		return 0;
	errno = len > 0 ? ENAMETOOLONG : EINVAL;
	return -1;
}

/* Remove a socket that nobody listens on any more. Nothing else is touched. */
static void remove_stale(const struct server *s)
{
	struct stat st;
	int fd;

	if (lstat(s->addr.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)&s->addr, sizeof(s->addr)) != 0 &&
	    errno == ECONNREFUSED)
		unlink(s->addr.sun_path);
	close(fd);
}

static int server_listen(struct server *s)
{
	mode_t mask;
	int rc;

	remove_stale(s);
	s->stop_fd = eventfd(0, EFD_CLOEXEC);
	s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->stop_fd < 0 || s->listen_fd < 0)
		return -1;
	mask = umask(0177); /* no other thread runs yet */
	rc = bind(s->listen_fd, (const struct sockaddr *)&s->addr, sizeof(s->addr));
	umask(mask);
	if (rc != 0)
		return -1;
	rc = listen(s->listen_fd, SERVER_CONNECTIONS);
	if (rc == 0)
		rc = errno = pthread_create(&s->thread, NULL, accept_main, s);
	if (rc != 0)
		unlink(s->addr.sun_path);
	return rc ? -1 : 0;
}

static void server_free(struct server *s)
{
	if (s->dir[0])
		rmdir(s->dir);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	free(s);
}

struct server *server_start(struct engine *e, const char *path, const char **what)
{
	struct server *s = calloc(1, sizeof(*s));
	int error;

	*what = path ? path : "a directory for the socket";
	if (!s)
		return NULL;
	s->engine = e;
	s->listen_fd = s->stop_fd = -1;
	if (set_path(s, path) == 0 && server_listen(s) == 0)
		return s;
	error = errno;
	server_free(s);
	errno = error;
	return NULL;
}

const char *server_path(const struct server *s)
{
	return s->addr.sun_path;
}

void server_stop(struct server *s)
{
	uint64_t one = 1;

	if (!s)
		return;
	if (write(s->stop_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(s->thread, NULL);
	for (size_t i = 0; i < SERVER_CONNECTIONS; i++) {
		struct connection *c = &s->connections[i];

		if (!c->used)
			continue;
		/* Reading ends now; an answer under way still gets out. */
		shutdown(c->fd, SHUT_RD);
		release(c);
	}
	unlink(s->addr.sun_path);
	server_free(s);
}
