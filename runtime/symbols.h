/*
 * Addresses to names, of the kernel and of processes: what ksym(), usym() and stacks are
 * shown with. Nothing is read before the first question or symbols_track_start().
 *
 * Functions of user space come from .symtab, .dynsym and separate debug files; see
 * runtime/elf_lookup.h. Not resolved, and shown as addresses: code of 32-bit programs,
 * code that a program makes while it runs, and addresses of data.
 *
 * Process numbers are those of our own /proc. Kernel modules that are loaded after the
 * first question for the kernel are not known.
 *
 * A session that shows user space functions calls symbols_track_start() before it attaches,
 * symbols_track_poll() in its event loop, symbols_track_stop() after it detached, and tells
 * what symbols_losses() says at its end.
 */
#ifndef MEMQL_SYMBOLS_H
#define MEMQL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbols;
struct text;

/* Zero: the usual. */
struct symbols_options {
	const char *debug_root; /* where debug files are; ELF_DEBUG_ROOT */
	size_t table_bytes;     /* memory for symbols; 64 MB */
	size_t ended;           /* programs that ended and are remembered; 16384 */
	bool mangled;           /* names stay as they are in the files */
};

/* The options may be NULL; what they point to is copied. Never fails. */
struct symbols *symbols_open(const struct symbols_options *options);
void symbols_close(struct symbols *s); /* NULL is fine */

/* What is known of an address. The texts are valid until the next call. */
struct symbol {
	const char *name;     /* of the function, demangled; NULL: not known */
	uint64_t offset;      /* from where that begins */
	const char *file;     /* "/usr/bin/x", "[vdso]"; of the kernel the module, or
			       * "vmlinux"; NULL: not known */
	uint64_t file_offset; /* of the address in the file of user space */
};

/* True if the name is known. */
bool symbols_kernel(struct symbols *s, uint64_t address, struct symbol *out);
bool symbols_user(struct symbols *s, int32_t pid, uint64_t address, struct symbol *out);

/* What to show of a symbol. */
enum symbols_show {
	SYMBOLS_OFFSET = 1, /* "name+31" */
	SYMBOLS_FILE = 2,   /* "name (/usr/bin/x)", or "([unknown])" */
	SYMBOLS_RETURN = 4, /* a return address: of what the call before it is in */
};

/*
 * Add an address as text: "name", or "0x7f5c1a0d2e70" where that is not known. Names come
 * from files that anybody could make, and are made safe to show.
 */
void symbols_add_kernel(struct symbols *s, struct text *t, uint64_t address,
			unsigned show);
void symbols_add_user(struct symbols *s, struct text *t, int32_t pid, uint64_t address,
		      unsigned show);

/*
 * Programs end before their stacks are shown. To remember where their code was, listen to
 * the kernel from now on, and read what all processes have mapped, or only the process
 * pid if that is not 0. 0, or -errno if the kernel does not tell: then what runs now is
 * known, and of others what /proc says when they are first asked for.
 *
 * With hundreds of processes, reading takes 10 ms and more; it is done in pieces of at
 * most 4 ms, the first here and one in each symbols_track_poll(), which is to be called
 * every 20 ms or so, and before the first question that follows a long wait.
 */
int symbols_track_start(struct symbols *s, int32_t pid);
void symbols_track_poll(struct symbols *s);
void symbols_track_stop(struct symbols *s); /* what is known stays */

/*
 * Call found for each reason why names may be missing or wrong: count is how often it
 * happened; noun, in the plural unless that is once, and rest complete "lost N ...".
 */
void symbols_losses(const struct symbols *s,
		    void (*found)(uint64_t count, const char *noun, const char *rest,
				  void *arg),
		    void *arg);

#endif
