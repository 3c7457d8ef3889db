#include "sema/answers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(FEATURE_COUNT <= 64, "a bit for each feature");

struct listener {
	struct target port; /* first: the interface is a pointer to it */
	struct target_ops ops;
	const struct target *from;
	struct answers heard;
	uint64_t *sum; /* of heard: what is being asked is added to it */
};

static void add(struct listener *l, uint64_t n)
{
	uint64_t *s = l->sum;

	s[0] = (s[0] ^ n) * 0x9e3779b97f4a7c15;
	s[0] ^= s[0] >> 32;
	s[1] = (s[1] + n) * 0xd6e8feb86659fd93;
	s[1] ^= s[1] >> 29;
}

static void add_bytes(struct listener *l, const void *bytes, size_t size)
{
	const unsigned char *p = bytes;
	uint64_t word;

	add(l, size);
	for (; size >= sizeof(word); p += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		add(l, word);
	}
	word = 0;
	memcpy(&word, p, size);
	add(l, word);
}

static void add_text(struct listener *l, const char *text)
{
	if (text)
		add_bytes(l, text, strlen(text));
	else
		add(l, UINT64_MAX);
}

static bool about_types(size_t question)
{
	return question >= offsetof(struct target_ops, type_find) &&
	       question <= offsetof(struct target_ops, type_names);
}

/* A question: which one, and up to two texts. Returns whom to ask. */
static struct listener *begin(const struct target *t, size_t question,
			      const char *first, const char *second)
{
	/* The compiler sees a constant target; that it is heard changes no answer. */
	struct listener *l = (struct listener *)t;

	l->sum = about_types(question) ? l->heard.types : l->heard.sum;
	add(l, question);
	add_text(l, first);
	add_text(l, second);
	return l;
}

#define BEGIN(t, op, first, second)                                                    \
	begin(t, offsetof(struct target_ops, op), first, second)

static int end(struct listener *l, int result)
{
	add(l, (uint64_t)(int64_t)result);
	return result;
}

static int end_number(struct listener *l, int result, const uint64_t *number)
{
	if (!result && number)
		add(l, *number);
	return end(l, result);
}

static bool has(const struct target *t, enum feature f)
{
	struct listener *l = (struct listener *)t;
	bool had = l->from->ops->has(l->from, f);

	l->heard.asked |= UINT64_C(1) << f;
	l->heard.had |= (uint64_t)had << f;
	return had;
}

/* A callback on its way through. */
struct pass {
	struct listener *l;
	void *arg;
	union {
		int (*text)(const char *, void *);
		int (*pair)(const char *, const char *, void *);
		int (*value)(const char *, int64_t, void *);
		int (*field)(const struct target_field *, void *);
		int (*symbol)(const struct target_symbol *, void *);
		int (*usdt)(const struct target_usdt *, void *);
		int (*member)(const struct target_member *, void *);
		int (*param)(const struct target_param *, void *);
	} found;
};

static int pass_text(const char *text, void *arg)
{
	struct pass *p = arg;

	add_text(p->l, text);
	return p->found.text(text, p->arg);
}

static int pass_pair(const char *first, const char *second, void *arg)
{
	struct pass *p = arg;

	add_text(p->l, first);
	add_text(p->l, second);
	return p->found.pair(first, second, p->arg);
}

static int pass_value(const char *name, int64_t value, void *arg)
{
	struct pass *p = arg;

	add_text(p->l, name);
	add(p->l, (uint64_t)value);
	return p->found.value(name, value, p->arg);
}

static int pass_field(const struct target_field *f, void *arg)
{
	struct pass *p = arg;

	add_text(p->l, f->name);
	add_text(p->l, f->type_text);
	add(p->l, (uint64_t)f->offset << 32 | f->size);
	add(p->l, f->is_signed);
	return p->found.field(f, p->arg);
}

static int pass_symbol(const struct target_symbol *s, void *arg)
{
	struct pass *p = arg;

	add_text(p->l, s->name);
	add_text(p->l, s->version);
	add_text(p->l, s->why);
	add(p->l, s->is_default);
	add(p->l, s->address);
	add(p->l, s->offset);
	add(p->l, s->size);
	return p->found.symbol(s, p->arg);
}

static int pass_usdt(const struct target_usdt *u, void *arg)
{
	struct pass *p = arg;

	add_text(p->l, u->provider);
	add_text(p->l, u->name);
	add_text(p->l, u->args);
	add(p->l, u->address);
	add(p->l, u->offset);
	add(p->l, u->semaphore_offset);
	return p->found.usdt(u, p->arg);
}

static int pass_member(const struct target_member *m, void *arg)
{
	struct pass *p = arg;

	add_text(p->l, m->name);
	add(p->l, m->type);
	add(p->l, m->bit_offset);
	add(p->l, m->bits);
	return p->found.member(m, p->arg);
}

static int pass_param(const struct target_param *param, void *arg)
{
	struct pass *p = arg;

	add_text(p->l, param->name);
	add(p->l, param->type);
	return p->found.param(param, p->arg);
}

static int tracepoints(const struct target *t, const char *group, const char *event,
		       int (*found)(const char *group, const char *event, void *arg),
		       void *arg)
{
	struct listener *l = BEGIN(t, tracepoints, group, event);
	struct pass p = { l, arg, { .pair = found } };

	return end(l, l->from->ops->tracepoints(l->from, group, event, pass_pair, &p));
}

static int tracepoint_fields(const struct target *t, const char *group,
			     const char *event,
			     int (*found)(const struct target_field *f, void *arg),
			     void *arg)
{
	struct listener *l = BEGIN(t, tracepoint_fields, group, event);
	struct pass p = { l, arg, { .field = found } };

	return end(l, l->from->ops->tracepoint_fields(l->from, group, event, pass_field,
						      &p));
}

static int objects(const struct target *t, const char *object, int32_t pid,
		   int (*found)(const char *path, void *arg), void *arg)
{
	struct listener *l = BEGIN(t, objects, object, NULL);
	struct pass p = { l, arg, { .text = found } };

	add(l, (uint64_t)pid);
	return end(l, l->from->ops->objects(l->from, object, pid, pass_text, &p));
}

static int symbols(const struct target *t, const char *path,
		   int (*found)(const struct target_symbol *s, void *arg), void *arg)
{
	struct listener *l = BEGIN(t, symbols, path, NULL);
	struct pass p = { l, arg, { .symbol = found } };

	return end(l, l->from->ops->symbols(l->from, path, pass_symbol, &p));
}

static int usdt(const struct target *t, const char *path,
		int (*found)(const struct target_usdt *u, void *arg), void *arg)
{
	struct listener *l = BEGIN(t, usdt, path, NULL);
	struct pass p = { l, arg, { .usdt = found } };

	return end(l, l->from->ops->usdt(l->from, path, pass_usdt, &p));
}

static int symbol_address(const struct target *t, const char *path, const char *name,
			  uint64_t *address, uint64_t *size)
{
	struct listener *l = BEGIN(t, symbol_address, path, name);
	int err = l->from->ops->symbol_address(l->from, path, name, address, size);

	if (!err)
		add(l, *size);
	return end_number(l, err, address);
}

static int code(const struct target *t, const char *path, uint64_t address,
		uint64_t *offset, uint8_t *bytes, size_t *size)
{
	struct listener *l = BEGIN(t, code, path, NULL);
	int err;

	add(l, address);
	err = l->from->ops->code(l->from, path, address, offset, bytes, size);
	if (!err)
		add_bytes(l, bytes, *size);
	return end_number(l, err, offset);
}

static int linked_address(const struct target *t, const char *path, uint64_t offset,
			  uint64_t *address)
{
	struct listener *l = BEGIN(t, linked_address, path, NULL);
	int err;

	add(l, offset);
	err = l->from->ops->linked_address(l->from, path, offset, address);
	return end_number(l, err, address);
}

static bool has_section(const struct target *t, const char *path, const char *name)
{
	struct listener *l = BEGIN(t, has_section, path, name);

	return end(l, l->from->ops->has_section(l->from, path, name));
}

static bool runs_itself(const struct target *t, const char *path)
{
	struct listener *l = BEGIN(t, runs_itself, path, NULL);

	return end(l, l->from->ops->runs_itself(l->from, path));
}

static int type_find(const struct target *t, enum type_tag tag, const char *name,
		     target_type_id *out)
{
	struct listener *l = BEGIN(t, type_find, name, NULL);
	int err;

	add(l, tag);
	err = l->from->ops->type_find(l->from, tag, name, out);
	return end_number(l, err, out);
}

static int type_describe(const struct target *t, target_type_id id,
			 struct target_type *out)
{
	struct listener *l = BEGIN(t, type_describe, NULL, NULL);
	int err;

	add(l, id);
	err = l->from->ops->type_describe(l->from, id, out);
	if (!err) {
		add_text(l, out->name);
		add(l, out->kind);
		add(l, out->id);
		add(l, out->size);
		add(l, (uint64_t)out->is_signed << 1 | out->is_user);
		add(l, out->to);
		add(l, out->count);
	}
	return end(l, err);
}

static int type_members(const struct target *t, target_type_id id,
			int (*found)(const struct target_member *m, void *arg),
			void *arg)
{
	struct listener *l = BEGIN(t, type_members, NULL, NULL);
	struct pass p = { l, arg, { .member = found } };

	add(l, id);
	return end(l, l->from->ops->type_members(l->from, id, pass_member, &p));
}

static int type_walk(const struct target *t, target_type_id id, uint64_t offset,
		     unsigned size, target_type_id *next)
{
	struct listener *l = BEGIN(t, type_walk, NULL, NULL);
	int err;

	add(l, id);
	add(l, offset);
	add(l, size);
	err = l->from->ops->type_walk(l->from, id, offset, size, next);
	return end_number(l, err, next);
}

static int type_values(const struct target *t, target_type_id id,
		       int (*found)(const char *name, int64_t value, void *arg),
		       void *arg)
{
	struct listener *l = BEGIN(t, type_values, NULL, NULL);
	struct pass p = { l, arg, { .value = found } };

	add(l, id);
	return end(l, l->from->ops->type_values(l->from, id, pass_value, &p));
}

static int constant(const struct target *t, const char *name, int64_t *value,
		    target_type_id *type)
{
	struct listener *l = BEGIN(t, constant, name, NULL);
	int err = l->from->ops->constant(l->from, name, value, type);

	if (!err)
		add(l, *type);
	return end_number(l, err, (const uint64_t *)value);
}

static int constant_names(const struct target *t,
			  int (*found)(const char *name, void *arg), void *arg)
{
	struct listener *l = BEGIN(t, constant_names, NULL, NULL);
	struct pass p = { l, arg, { .text = found } };

	return end(l, l->from->ops->constant_names(l->from, pass_text, &p));
}

static int type_names(const struct target *t, enum type_tag tag, const char *pattern,
		      int (*found)(const char *name, void *arg), void *arg)
{
	struct listener *l = BEGIN(t, type_names, pattern, NULL);
	struct pass p = { l, arg, { .text = found } };

	add(l, tag);
	return end(l, l->from->ops->type_names(l->from, tag, pattern, pass_text, &p));
}

static int functions(const struct target *t, const char *module, const char *name,
		     int (*found)(const char *module, const char *name, void *arg),
		     void *arg)
{
	struct listener *l = BEGIN(t, functions, module, name);
	struct pass p = { l, arg, { .pair = found } };

	return end(l, l->from->ops->functions(l->from, module, name, pass_pair, &p));
}

static int function_params(const struct target *t, const char *module, const char *name,
			   int (*found)(const struct target_param *p, void *arg),
			   void *arg, target_type_id *returns)
{
	struct listener *l = BEGIN(t, function_params, module, name);
	struct pass p = { l, arg, { .param = found } };
	int err = l->from->ops->function_params(l->from, module, name, pass_param, &p,
						returns);

	return end_number(l, err, returns);
}

static int raw_tracepoint_params(const struct target *t, const char *event,
				 int (*found)(const struct target_param *p, void *arg),
				 void *arg)
{
	struct listener *l = BEGIN(t, raw_tracepoint_params, event, NULL);
	struct pass p = { l, arg, { .param = found } };

	return end(l,
		   l->from->ops->raw_tracepoint_params(l->from, event, pass_param, &p));
}

static int
raw_tracepoints(const struct target *t, const char *module, const char *event,
		int (*found)(const char *module, const char *event, void *arg),
		void *arg)
{
	struct listener *l = BEGIN(t, raw_tracepoints, module, event);
	struct pass p = { l, arg, { .pair = found } };

	return end(l, l->from->ops->raw_tracepoints(l->from, module, event, pass_pair,
						    &p));
}

static int kernel_symbol(const struct target *t, const char *name, uint64_t *address)
{
	struct listener *l = BEGIN(t, kernel_symbol, name, NULL);

	return end_number(l, l->from->ops->kernel_symbol(l->from, name, address),
			  address);
}

static int cgroup_id(const struct target *t, const char *path, uint64_t *id)
{
	struct listener *l = BEGIN(t, cgroup_id, path, NULL);

	return end_number(l, l->from->ops->cgroup_id(l->from, path, id), id);
}

/* For messages only, and another number each time. */
static unsigned process_count(const struct target *t)
{
	const struct target *from = ((const struct listener *)t)->from;

	return from->ops->process_count(from);
}

static const struct target_ops listening = {
	.has = has,
	.tracepoints = tracepoints,
	.tracepoint_fields = tracepoint_fields,
	.objects = objects,
	.symbols = symbols,
	.usdt = usdt,
	.symbol_address = symbol_address,
	.code = code,
	.linked_address = linked_address,
	.has_section = has_section,
	.runs_itself = runs_itself,
	.type_find = type_find,
	.type_describe = type_describe,
	.type_members = type_members,
	.type_walk = type_walk,
	.type_values = type_values,
	.constant = constant,
	.constant_names = constant_names,
	.type_names = type_names,
	.functions = functions,
	.function_params = function_params,
	.raw_tracepoint_params = raw_tracepoint_params,
	.raw_tracepoints = raw_tracepoints,
	.kernel_symbol = kernel_symbol,
	.cgroup_id = cgroup_id,
	.process_count = process_count,
};

/* What a target cannot answer is not asked by who looks for that first. */
static void leave_out(struct target_ops *ops, const struct target_ops *from)
{
	void (*theirs)(void), (*ours)(void);

	for (size_t i = 0; i < sizeof(*ops); i += sizeof(theirs)) {
		memcpy(&theirs, (const char *)from + i, sizeof(theirs));
		memcpy(&ours, (const char *)ops + i, sizeof(ours));
		assert(ours && "a question that is not handed on");
		if (!theirs)
			memset((char *)ops + i, 0, sizeof(theirs));
	}
}

struct listener *listener_new(const struct target *from)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->port = *from;
	l->ops = listening;
	leave_out(&l->ops, from->ops);
	l->port.ops = &l->ops;
	l->from = from;
	l->sum = l->heard.sum;
	add_text(l, from->kernel);
	add(l, from->ncpus);
	add(l, from->pid_ns_device);
	add(l, from->pid_ns_inode);
	return l;
}

void listener_free(struct listener *l)
{
	free(l);
}

const struct target *listener_target(struct listener *l)
{
	return &l->port;
}

struct answers listener_answers(const struct listener *l)
{
	return l->heard;
}
