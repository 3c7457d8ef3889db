/*
 * Run a command with its output in a pipe, and say on one line: milliseconds until the
 * first byte came (0: none did), milliseconds until its end, CPU milliseconds, peak KiB
 * of memory, exit status. A small program of its own: the memory that the kernel tells
 * of is at least that of whoever started the command.
 *
 * It ends when what the command left running has ended, too: the next tracer would wait
 * for the kernel, which closes the tracepoints of this one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double ms(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

int main(int argc, char **argv)
{
	double begin = now_ms(), first = 0;
	struct rusage used;
	char bytes[4096];
	int pipes[2], status;
	pid_t pid;

	if (argc < 2 || pipe(pipes) || prctl(PR_SET_CHILD_SUBREAPER, 1))
		return 2;
	pid = fork();
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	close(pipes[1]);
	while (read(pipes[0], bytes, sizeof(bytes)) > 0)
		if (first == 0)
			first = now_ms() - begin;
	if (wait4(pid, &status, 0, &used) != pid)
		return 2;
	printf("%.3f %.3f %.3f %ld %d\n", first, now_ms() - begin,
	       ms(used.ru_utime) + ms(used.ru_stime), used.ru_maxrss,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128);
	while (wait(NULL) > 0)
		;
	return 0;
}
