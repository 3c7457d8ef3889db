#include "runtime/symbols.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "runtime/demangle.h"
#include "runtime/kallsyms.h"
#include "runtime/mapped_files.h"
#include "runtime/must.h"
#include "runtime/processes.h"
#include "runtime/sink.h"
#include "runtime/space_events.h"
#include "runtime/spaces.h"

enum {
	TABLE_BYTES = 64 << 20,
	OPEN_FILES = 256,
	ENDED = 16384,
	CODES = 20000,
	/* Behind the kernel's last symbol: no function is as large. */
	KERNEL_GAP = 1 << 20,
	/* A process without news of its mappings is looked at again after this time; */
	REREAD_MS = 100,
	/* one with news, if nothing is known to be at an address. */
	REREAD_TRACKED_MS = 1000,
	SNAPSHOT_MS = 4,
};

static const uint64_t NS_PER_MS = 1000000, NS_PER_SECOND = 1000000000;

struct symbols {
	struct kallsyms *kernel;
	int kernel_error; /* why it could not be read; 1: not tried yet */
	uint64_t hidden;  /* kernel addresses asked for in vain */

	struct mapped_files *files;
	struct spaces *spaces;
	struct space_events *events;    /* NULL: the kernel tells nothing */
	uint64_t lost, lost_time;       /* events; when that was noticed, ms */
	uint64_t lost_before;           /* by events that were closed */
	struct process_walk *processes; /* what is still to be read; NULL: nothing */
	bool mangled;
	struct text demangled; /* the latest name */
};

struct symbols *symbols_open(const struct symbols_options *options)
{
	static const struct symbols_options usual;
	const struct symbols_options *o = options ? options : &usual;
	struct mapped_files_limits files = {
		.table_bytes = o->table_bytes ? o->table_bytes : TABLE_BYTES,
		.open_files = OPEN_FILES,
	};
	struct spaces_limits spaces = {
		.ended = o->ended ? o->ended : ENDED,
		.codes = CODES,
	};
	struct symbols *s = must_calloc(1, sizeof(*s));

	s->kernel_error = 1;
	s->mangled = o->mangled;
	s->files = mapped_files_new(&files,
				    o->debug_root ? o->debug_root : ELF_DEBUG_ROOT);
	s->spaces = spaces_new(s->files, &spaces);
	return s;
}

void symbols_close(struct symbols *s)
{
	if (!s)
		return;
	symbols_track_stop(s);
	kallsyms_close(s->kernel);
	spaces_free(s->spaces);
	mapped_files_free(s->files);
	text_free(&s->demangled);
	free(s);
}

/* As a programmer wrote it; valid until the next name. */
static const char *readable(struct symbols *s, const char *name)
{
	if (s->mangled)
		return name;
	s->demangled.len = 0;
	return demangle(name, &s->demangled) ? s->demangled.bytes : name;
}

bool symbols_kernel(struct symbols *s, uint64_t address, struct symbol *out)
{
	struct kallsyms_symbol found;

	*out = (struct symbol){ 0 };
	if (s->kernel_error == 1)
		s->kernel_error = kallsyms_open(KALLSYMS_PATH, &s->kernel);
	if (s->kernel_error) {
		s->hidden++;
		return false;
	}
	if (!kallsyms_at(s->kernel, address, &found) ||
	    address - found.address >= KERNEL_GAP)
		return false;
	out->name = readable(s, found.name);
	out->offset = address - found.address;
	out->file = found.module;
	return true;
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_SECOND + (uint64_t)t.tv_nsec;
}

static uint64_t now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static uint64_t now_ms(void)
{
	return read_clock(CLOCK_MONOTONIC_COARSE) / NS_PER_MS;
}

static void hear(struct symbols *s)
{
	uint64_t lost;

	if (!s->events)
		return;
	space_events_apply(s->events, s->spaces);
	lost = space_events_lost(s->events) + s->lost_before;
	if (lost != s->lost)
		s->lost_time = now_ms();
	s->lost = lost;
}

/* Some of the processes that ran when tracking began. */
static void read_processes(struct symbols *s)
{
	uint64_t end = now_ns() + SNAPSHOT_MS * NS_PER_MS;
	int32_t pid;

	while (s->processes && now_ns() < end) {
		pid = process_walk_next(s->processes);
		if (pid == 0) {
			process_walk_close(s->processes);
			s->processes = NULL;
		} else if (!spaces_know(s->spaces, pid)) {
			spaces_read(s->spaces, pid);
		}
	}
}

int symbols_track_start(struct symbols *s, int32_t pid)
{
	int err = s->events ? 0 : space_events_open(pid, &s->events);

	if (pid)
		spaces_read(s->spaces, pid);
	else if (!s->processes)
		s->processes = process_walk_open();
	symbols_track_poll(s);
	return err;
}

void symbols_track_poll(struct symbols *s)
{
	hear(s);
	read_processes(s);
}

void symbols_track_stop(struct symbols *s)
{
	hear(s);
	s->lost_before = s->lost;
	space_events_close(s->events);
	s->events = NULL;
	process_walk_close(s->processes);
	s->processes = NULL;
}

/* What /proc knows better. */
static const struct space_code *find_code(struct symbols *s, int32_t pid,
					  uint64_t address)
{
	const struct space_code *code;
	uint64_t now = now_ms();

	hear(s);
	if (!s->events || !spaces_know(s->spaces, pid))
		spaces_refresh(s->spaces, pid, now, REREAD_MS);
	else if (s->lost)
		spaces_refresh(s->spaces, pid, now, now - s->lost_time + 1);
	code = spaces_find(s->spaces, pid, address);
	if (!code && s->events) {
		spaces_refresh(s->spaces, pid, now, REREAD_TRACKED_MS);
		code = spaces_find(s->spaces, pid, address);
	}
	return code;
}

bool symbols_user(struct symbols *s, int32_t pid, uint64_t address, struct symbol *out)
{
	const struct space_code *code;
	struct elf_place place;

	*out = (struct symbol){ 0 };
	code = find_code(s, pid, address);
	if (!code || !code->file)
		return false;
	out->file = mapped_file_name(code->file);
	out->file_offset = address - code->start + code->offset;
	if (!mapped_file_at(s->files, code->file, out->file_offset, &place))
		return false;
	out->name = readable(s, place.name);
	out->offset = place.offset;
	return true;
}

static void add_symbol(struct text *t, uint64_t address, const struct symbol *symbol,
		       unsigned show)
{
	if (symbol->name)
		text_add_safe(t, symbol->name, strlen(symbol->name));
	else
		text_printf(t, "0x%" PRIx64, address);
	if (symbol->name && show & SYMBOLS_OFFSET)
		text_printf(t, "+%" PRIu64, symbol->offset);
	if (show & SYMBOLS_FILE) {
		const char *file = symbol->file ? symbol->file : "[unknown]";

		text_add(t, " (", 2);
		text_add_safe(t, file, strlen(file));
		text_add(t, ")", 1);
	}
}

void symbols_add_kernel(struct symbols *s, struct text *t, uint64_t address,
			unsigned show)
{
	uint64_t call = show & SYMBOLS_RETURN ? 1 : 0;
	struct symbol symbol;

	symbols_kernel(s, address - call, &symbol);
	symbol.offset += call;
	add_symbol(t, address, &symbol, show);
}

void symbols_add_user(struct symbols *s, struct text *t, int32_t pid, uint64_t address,
		      unsigned show)
{
	uint64_t call = show & SYMBOLS_RETURN ? 1 : 0;
	struct symbol symbol;

	symbols_user(s, pid, address - call, &symbol);
	symbol.offset += call;
	add_symbol(t, address, &symbol, show);
}

void symbols_losses(const struct symbols *s,
		    void (*found)(uint64_t count, const char *noun, const char *rest,
				  void *arg),
		    void *arg)
{
	uint64_t forgotten = spaces_forgotten(s->spaces);

	if (s->hidden)
		found(s->hidden, "name",
		      s->kernel_error == -EACCES
			      ? " of kernel functions: the kernel hides their "
				"addresses; root and CAP_SYSLOG see them if sysctl "
				"kernel.kptr_restrict is below 2"
			      : " of kernel functions: /proc/kallsyms could not "
				"be read",
		      arg);
	if (s->lost)
		found(s->lost, "message",
		      " of the kernel about programs and their libraries: "
		      "functions of some programs that ended are shown as addresses",
		      arg);
	if (forgotten)
		found(forgotten, "address space",
		      " of programs that ended: there were too many to "
		      "remember, and functions in them are shown as addresses",
		      arg);
}
