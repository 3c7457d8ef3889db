#include "runtime/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct child {
	pid_t pid;
	int gate;   /* write end: one byte lets it go, closing it ends it */
	bool ended; /* and was reaped */
	int status; /* as waitpid(2) tells it */
};

/* In the new process: what memql did to its signals must not reach the command. */
static void restore_signals(void)
{
	static const int changed[] = { SIGINT, SIGTERM, SIGPIPE };
	sigset_t none;

	for (size_t i = 0; i < sizeof(changed) / sizeof(*changed); i++)
		signal(changed[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A path, or a name on PATH: not what only the shell knows, such as exit. */
static bool is_program(const char *name, size_t len)
{
	const char *dir = getenv("PATH");
	char path[PATH_MAX];

	if (memchr(name, '/', len))
		return true;
	for (; dir && *dir; dir += strcspn(dir, ":"), dir += *dir == ':') {
		snprintf(path, sizeof(path), "%.*s/%.*s", (int)strcspn(dir, ":"), dir,
			 (int)len, name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

/*
 * The shell stays between memql and a plain command, unless it is told to become it: then
 * the process that memql started is the one that the user means by cpid.
 */
static bool is_plain(const char *command)
{
	size_t word = strcspn(command, " \t");

	return !strpbrk(command, "|&;<>()`\n#") && !memchr(command, '=', word) &&
	       !memchr(command, '$', word) && is_program(command, word);
}

static void __attribute__((noreturn)) become(const char *command, int gate)
{
	ssize_t n;
	char byte;

	restore_signals();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	do {
		n = read(gate, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(EXIT_FAILURE); /* memql gave up before its probes were live */
	if (is_plain(command))
		execl("/bin/sh", "sh", "-c", "eval \"exec $1\"", "sh", command,
		      (char *)NULL);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	fprintf(stderr, "memql: -c: /bin/sh: %s\n", strerror(errno));
	_exit(127);
}

int child_start(const char *command, struct child **out)
{
	struct child *c = calloc(1, sizeof(*c));
	int err, gate[2];

	if (!c || pipe2(gate, O_CLOEXEC)) {
		err = -errno;
		goto fail;
	}
	c->pid = fork();
	if (c->pid < 0) {
		err = -errno;
		close(gate[0]);
		close(gate[1]);
		goto fail;
	}
	if (!c->pid) {
		close(gate[1]);
		become(command, gate[0]);
	}
	close(gate[0]);
	c->gate = gate[1];
	*out = c;
	return 0;
fail:
	fprintf(stderr, "memql: -c: cannot start a process: %s\n", strerror(-err));
	free(c);
	return err;
}

int child_go(struct child *c)
{
	/* memql ignores SIGPIPE, so a reader that is gone is an error here. */
	ssize_t n = write(c->gate, "g", 1);

	return n == 1 ? 0 : errno == EPIPE ? -ESRCH : -errno;
}

bool child_poll(struct child *c)
{
	if (!c->ended && waitpid(c->pid, &c->status, WNOHANG) != 0)
		c->ended = true;
	return c->ended;
}

bool child_never_ran(const struct child *c)
{
	return c->ended && WIFEXITED(c->status) &&
	       (WEXITSTATUS(c->status) == 126 || WEXITSTATUS(c->status) == 127);
}

pid_t child_pid(const struct child *c)
{
	return c->pid;
}

void child_close(struct child *c)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

	if (!c)
		return;
	close(c->gate);
	if (!child_poll(c))
		kill(c->pid, SIGTERM);
	for (int i = 0; i < 100 && !child_poll(c); i++)
		nanosleep(&pause, NULL);
	if (!child_poll(c)) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	free(c);
}
