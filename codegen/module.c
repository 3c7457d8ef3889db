/* The LLVM module of one compilation: its types, maps and constants. */
#include "codegen/internal.h"

#include <assert.h>
#include <linux/bpf.h>
#include <llvm-c/Target.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "sema/target.h"

/* Different stacks, of a KB each: where memory for all is taken at once, and elsewhere. */
enum { STACKS_MAX_EAGER = 8192, STACKS_MAX = 65536 };

/* LLVM's messages: none may reach the user as it is, and none may end the process. */
static void hear_llvm(LLVMDiagnosticInfoRef info, void *arg)
{
	struct module *m = arg;
	LLVMDiagnosticSeverity severity = LLVMGetDiagInfoSeverity(info);
	char *text = LLVMGetDiagInfoDescription(info);

	/* An error up to LLVM 19, a warning in later ones. */
	if (strstr(text, "stack limit"))
		m->stack_overflow = true;
	else if (severity == LLVMDSError && !m->error)
		m->error = arena_strdup(m->cc->arena, text);
	LLVMDisposeMessage(text);
}

void module_close(void *arg)
{
	struct module *m = arg;

	if (!m->context)
		return;
	LLVMDisposeDIBuilder(m->di);
	LLVMDisposeModule(m->ir);
	LLVMDisposeTargetMachine(m->machine);
	LLVMContextDispose(m->context);
	m->context = NULL;
}

static const char *triple(void)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "bpfel" : "bpfeb";
}

static void open_machine(struct module *m)
{
	LLVMTargetRef target;
	LLVMTargetDataRef layout;
	char *error = NULL;

	LLVMInitializeBPFTargetInfo();
	LLVMInitializeBPFTarget();
	LLVMInitializeBPFTargetMC();
	LLVMInitializeBPFAsmPrinter();
	if (LLVMGetTargetFromTriple(triple(), &target, &error)) {
		fprintf(stderr, "memql: built without LLVM's BPF back end: %s\n",
			error);
		abort();
	}
	m->machine = LLVMCreateTargetMachine(target, triple(), "v3", "",
					     LLVMCodeGenLevelLess, LLVMRelocDefault,
					     LLVMCodeModelDefault);
	m->ir = LLVMModuleCreateWithNameInContext(m->cc->source->name, m->context);
	LLVMSetTarget(m->ir, triple());
	/* Before anything is built: else 8-byte cells are accessed in halves. */
	layout = LLVMCreateTargetDataLayout(m->machine);
	LLVMSetModuleDataLayout(m->ir, layout);
	LLVMDisposeTargetData(layout);
}

static void name_types(struct module *m)
{
	m->i1 = LLVMInt1TypeInContext(m->context);
	m->i8 = LLVMInt8TypeInContext(m->context);
	m->i16 = LLVMInt16TypeInContext(m->context);
	m->i32 = LLVMInt32TypeInContext(m->context);
	m->i64 = LLVMInt64TypeInContext(m->context);
	m->ptr = LLVMPointerTypeInContext(m->context, 0);
}

static LLVMValueRef new_global(struct module *m, const char *name, LLVMTypeRef type,
			       const char *section)
{
	LLVMValueRef g = LLVMAddGlobal(m->ir, type, name);

	LLVMSetInitializer(g, LLVMConstNull(type));
	LLVMSetSection(g, section);
	LLVMSetAlignment(g, 8);
	return g;
}

static LLVMValueRef new_text(struct module *m, const char *name, const char *text,
			     const char *section)
{
	LLVMValueRef bytes =
		LLVMConstStringInContext(m->context, text, (unsigned)strlen(text), 0);
	LLVMValueRef g = new_global(m, name, LLVMTypeOf(bytes), section);

	LLVMSetInitializer(g, bytes);
	LLVMSetAlignment(g, 1);
	return g;
}

/* The type a map's global needs is known only with its shape: see add_map(). */
static LLVMValueRef new_map(struct module *m, const char *name)
{
	return new_global(m, name, m->i64, ".maps");
}

/* Constants that memql sets before it loads the programs. */
LLVMValueRef module_setting(struct module *m, const char *name, LLVMTypeRef type,
			    uint64_t initial)
{
	LLVMValueRef g = LLVMGetNamedGlobal(m->ir, name);

	if (g)
		return g;
	g = new_global(m, name, type, ".rodata.memql");
	LLVMSetInitializer(g, LLVMConstInt(type, initial, 0));
	LLVMSetGlobalConstant(g, 1);
	return g;
}

LLVMValueRef module_asleep(struct module *m)
{
	LLVMValueRef g = LLVMGetNamedGlobal(m->ir, IMAGE_ASLEEP);

	return g ? g : new_global(m, IMAGE_ASLEEP, m->i64, ".bss");
}

void module_license(struct module *m, const char *name)
{
	static const char symbol[] = "memql_license";
	LLVMValueRef old = LLVMGetNamedGlobal(m->ir, symbol);

	if (old)
		LLVMDeleteGlobal(old);
	new_text(m, symbol, name, "license");
}

struct module *module_new(struct compile *cc, bool thrifty, const bool *bare,
			  size_t thread_size)
{
	struct module *m = ARENA_NEW(cc->arena, struct module);
	const struct plan *plan = cc->plan;

	m->cc = cc;
	m->explaining = cc->options.explain ? explaining_new(cc) : NULL;
	m->thrifty = thrifty;
	m->thread_size = thread_size;
	m->bare = bare;
	m->has_slots = ARENA_ARRAY(cc->arena, bool, plan->programs.n);
	m->context = LLVMContextCreate();
	LLVMContextSetDiagnosticHandler(m->context, hear_llvm, m);
	open_machine(m);
	name_types(m);
	debug_start(m);
	arena_defer(cc->arena, module_close, m);

	/* For the helpers that the kernel keeps for programs under the GPL. */
	module_license(m, "GPL");
	m->ring = new_map(m, IMAGE_RING);
	m->loss = new_map(m, IMAGE_LOSS);
	m->scratch = new_map(m, IMAGE_SCRATCH);
	m->task = new_map(m, IMAGE_TASK);
	m->threads = new_map(m, IMAGE_THREADS);
	m->stacks = new_map(m, IMAGE_STACKS);
	m->maps = ARENA_ARRAY(cc->arena, LLVMValueRef, plan->maps.n);
	m->seats = ARENA_ARRAY(cc->arena, LLVMValueRef, plan->maps.n);
	for (size_t i = 0; i < plan->maps.n; i++) {
		const struct map_info *map = plan->maps.items[i];
		char room[IMAGE_NAME_MAX];

		m->maps[i] = new_map(m, map->symbol);
		if (map->storage == MAP_KEPT)
			m->seats[i] = new_map(m, image_seats(room, map));
	}
	return m;
}

/* Programs refer to a stand-in until now: replace it by the map, or drop it. */
static void add_map(struct module *m, LLVMValueRef stand_in,
		    const struct map_shape *shape)
{
	LLVMTypeRef fields[8], type;
	size_t n = 0, len;
	char *name = arena_strdup(m->cc->arena, LLVMGetValueName2(stand_in, &len));
	LLVMValueRef g;

	/* One pointer for each member that debug_map() describes. */
	fields[n++] = m->ptr;
	if (shape->max_entries)
		fields[n++] = m->ptr;
	if (shape->flags)
		fields[n++] = m->ptr;
	if (shape->key_size)
		fields[n++] = m->ptr;
	if (shape->value_size)
		fields[n++] = m->ptr;
	type = LLVMStructTypeInContext(m->context, fields, (unsigned)n, 0);
	LLVMSetValueName2(stand_in, "", 0);
	g = new_global(m, name, type, ".maps");
	LLVMReplaceAllUsesWith(stand_in, g);
	LLVMDeleteGlobal(stand_in);
	debug_map(m, g, name, shape);
	ARENA_PUSH(m->cc->arena, &m->c_maps, ((struct c_map){ name, *shape }));
}

static void add_map_if_used(struct module *m, LLVMValueRef stand_in,
			    const struct map_shape *shape)
{
	if (LLVMGetFirstUse(stand_in))
		add_map(m, stand_in, shape);
	else
		LLVMDeleteGlobal(stand_in);
}

static void add_user_map(struct module *m, const struct map_info *map)
{
	const struct target *t = m->cc->target;
	struct map_shape shape = {
		.max_entries = map->max_entries,
		.key_size = map->key_size,
		.value_size = map->value_size,
	};

	switch (map->storage) {
	case MAP_SCALAR:
		shape.type = BPF_MAP_TYPE_ARRAY;
		break;
	case MAP_PERCPU_SCALAR:
		shape.type = BPF_MAP_TYPE_PERCPU_ARRAY;
		break;
	case MAP_KEPT:
		shape.type = BPF_MAP_TYPE_HASH;
		add_map(m, m->seats[map->index],
			&(struct map_shape){ .type = BPF_MAP_TYPE_ARRAY,
					     .flags = BPF_F_MMAPABLE,
					     .max_entries = IMAGE_SEATS_MAX,
					     .key_size = sizeof(uint32_t),
					     .value_size = sizeof(struct image_seat) });
		break;
	case MAP_HASH:
		shape.type = map->lru ? BPF_MAP_TYPE_LRU_HASH : BPF_MAP_TYPE_HASH;
		break;
	case MAP_PERCPU_HASH:
		shape.type = map->lru ? BPF_MAP_TYPE_LRU_PERCPU_HASH
				      : BPF_MAP_TYPE_PERCPU_HASH;
		break;
	}
	if (map->storage == MAP_SCALAR || map->storage == MAP_PERCPU_SCALAR) {
		shape.key_size = sizeof(uint32_t);
		shape.max_entries = 1;
	} else if (map->key_size + map->value_size > 1024 && !map->lru &&
		   t->ops->has(t, FEATURE_LAZY_MAPS)) {
		/* Else the whole map's memory is taken when it is made. */
		shape.flags = BPF_F_NO_PREALLOC;
	}
	add_map(m, m->maps[map->index], &shape);
}

static void finish_zeros(struct module *m)
{
	LLVMTypeRef type;
	LLVMValueRef g;

	if (!m->zeros)
		return;
	type = LLVMArrayType(m->i64, (unsigned)((m->zeros_size + 7) / 8));
	g = new_global(m, "memql_zero_bytes", type, ".rodata");
	LLVMSetGlobalConstant(g, 1);
	LLVMSetLinkage(g, LLVMInternalLinkage);
	LLVMReplaceAllUsesWith(m->zeros, g);
	LLVMDeleteGlobal(m->zeros);
	m->zeros = g;
}

/* Without memory for all of them from the start if the kernel can do that. */
static struct map_shape shape_of_stacks(const struct module *m)
{
	const struct target *t = m->cc->target;
	bool lazy = t->ops->has(t, FEATURE_LAZY_MAPS);

	return (struct map_shape){
		.type = BPF_MAP_TYPE_HASH,
		.max_entries = lazy ? STACKS_MAX : STACKS_MAX_EAGER,
		.flags = lazy ? BPF_F_NO_PREALLOC : 0,
		.key_size = sizeof(uint64_t),
		.value_size = m->cc->plan->stack_bytes,
	};
}

/* An entry is there while its thread runs a program. */
static struct map_shape shape_of_threads(const struct module *m)
{
	return (struct map_shape){
		.type = BPF_MAP_TYPE_HASH,
		.max_entries =
			m->thread_size ? SCRATCH_THREADS_BYTES / m->thread_size : 0,
		.key_size = sizeof(uint64_t),
		.value_size = m->thread_size,
	};
}

void module_finish(struct module *m)
{
	const struct plan *plan = m->cc->plan;
	unsigned nlosses = m->losses.n ? (unsigned)m->losses.n : 1;
	struct map_shape threads = shape_of_threads(m);

	add_map(m, m->ring,
		&(struct map_shape){ .type = BPF_MAP_TYPE_RINGBUF,
				     .max_entries = IMAGE_RING_BYTES });
	add_map(m, m->loss,
		&(struct map_shape){ .type = BPF_MAP_TYPE_PERCPU_ARRAY,
				     .max_entries = nlosses,
				     .key_size = sizeof(uint32_t),
				     .value_size = sizeof(uint64_t) });
	add_map_if_used(m, m->scratch,
			&(struct map_shape){ .type = BPF_MAP_TYPE_PERCPU_ARRAY,
					     .max_entries = m->scratch_entries,
					     .key_size = sizeof(uint32_t),
					     .value_size = m->scratch_size });
	add_map_if_used(m, m->task,
			&(struct map_shape){ .type = BPF_MAP_TYPE_TASK_STORAGE,
					     .flags = BPF_F_NO_PREALLOC,
					     .key_size = sizeof(int),
					     .value_size = m->task_size,
					     .typed = true });
	add_map_if_used(m, m->threads, &threads);
	if (plan->stack_bytes) {
		struct map_shape stacks = shape_of_stacks(m);

		add_map_if_used(m, m->stacks, &stacks);
	} else {
		LLVMDeleteGlobal(m->stacks);
	}
	for (size_t i = 0; i < plan->maps.n; i++)
		add_user_map(m, plan->maps.items[i]);
	finish_zeros(m);
	LLVMDIBuilderFinalize(m->di);
}

LLVMValueRef module_const(struct module *m, uint64_t n)
{
	return LLVMConstInt(m->i64, n, 0);
}

/* Whole words, zero-padded: strings are compared by words. */
static LLVMValueRef new_constant(struct module *m, const void *bytes, size_t size)
{
	size_t words = (size + 7) / 8;
	LLVMValueRef *items = ARENA_ARRAY(m->cc->arena, LLVMValueRef, words);
	LLVMTypeRef type = LLVMArrayType(m->i64, (unsigned)words);
	LLVMValueRef g;

	for (size_t i = 0; i < words; i++) {
		uint64_t word = 0;
		size_t left = size - i * 8;

		memcpy(&word, (const char *)bytes + i * 8, left < 8 ? left : 8);
		items[i] = module_const(m, word);
	}
	g = new_global(m, "memql_bytes", type, ".rodata");
	LLVMSetInitializer(g, LLVMConstArray(m->i64, items, (unsigned)words));
	LLVMSetGlobalConstant(g, 1);
	LLVMSetLinkage(g, LLVMInternalLinkage);
	return g;
}

LLVMValueRef module_rodata(struct module *m, const void *bytes, size_t size)
{
	struct constant c = { .bytes = bytes, .size = size };
	void *copy;

	for (size_t i = 0; i < m->constants.n; i++) {
		const struct constant *have = &m->constants.items[i];

		if (have->size == size && memcmp(have->bytes, bytes, size) == 0)
			return have->global;
	}
	copy = arena_alloc(m->cc->arena, size);
	memcpy(copy, bytes, size);
	c.bytes = copy;
	c.global = new_constant(m, bytes, size);
	ARENA_PUSH(m->cc->arena, &m->constants, c);
	return c.global;
}

LLVMValueRef module_zeros(struct module *m, size_t size)
{
	if (!m->zeros)
		m->zeros = LLVMAddGlobal(m->ir, m->i64, "memql_zeros");
	if (m->zeros_size < size)
		m->zeros_size = size;
	return m->zeros;
}

unsigned module_loss(struct module *m, enum loss_kind kind, const char *subject,
		     struct span at)
{
	const struct place place = source_place(m->cc->source, at.begin);
	struct image_loss loss = { kind, subject, place.name, place.line };

	for (size_t i = 0; i < m->losses.n; i++) {
		const struct image_loss *have = &m->losses.items[i];

		if (have->kind == kind && have->line == loss.line &&
		    have->file == loss.file && have->subject == subject)
			return (unsigned)i;
	}
	ARENA_PUSH(m->cc->arena, &m->losses, loss);
	return (unsigned)m->losses.n - 1;
}

uint32_t module_line(const struct module *m, struct span at)
{
	return source_place(m->cc->source, at.begin).line;
}
