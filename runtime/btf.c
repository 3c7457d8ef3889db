#include "runtime/btf.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/btf_internal.h"

/* Longer chains of modifiers are a circle. */
enum { CHAIN_MAX = 64 };

static const char vmlinux_name[] = "vmlinux";

int btf_open(const char *directory, struct btf_set **out)
{
	struct btf_set *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->directory = strdup(directory ? directory : "/sys/kernel/btf");
	if (!s->directory) {
		free(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

int btf_from_bytes(const void *bytes, size_t size, struct btf_set **out)
{
	struct btf_set *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->tried = s->listed = true;
	err = btf_file_from_bytes(bytes, size, NULL, &s->vmlinux);
	if (err)
		free(s);
	else
		*out = s;
	return err;
}

void btf_close(struct btf_set *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nmodules; i++) {
		btf_file_close(s->modules[i].file);
		if (s->modules[i].fd)
			close(s->modules[i].fd);
		free(s->modules[i].name);
	}
	free(s->modules);
	btf_file_close(s->vmlinux);
	free(s->directory);
	free(s);
}

static int open_file(const struct btf_set *s, const char *name, struct btf_file **out)
{
	char *path;
	int err;

	if (asprintf(&path, "%s/%s", s->directory, name) < 0)
		return -ENOMEM;
	err = btf_file_open(path, s->vmlinux, out);
	free(path);
	return err;
}

static int need_vmlinux(struct btf_set *s)
{
	if (!s->tried) {
		s->err = open_file(s, vmlinux_name, &s->vmlinux);
		if (s->err == -ENOENT || s->err == -ENOTDIR)
			s->err = -ENODATA;
		s->tried = true;
	}
	return s->err;
}

static int is_module(const struct dirent *e)
{
	return e->d_name[0] != '.' && strcmp(e->d_name, vmlinux_name) != 0;
}

static int list_modules(struct btf_set *s)
{
	struct dirent **entries;
	int n, err = 0;

	if (s->listed)
		return 0;
	n = scandir(s->directory, &entries, is_module, alphasort);
	if (n < 0)
		return -errno;
	s->modules = calloc((size_t)n + 1, sizeof(*s->modules));
	for (int i = 0; i < n; i++) {
		char *name = s->modules ? strdup(entries[i]->d_name) : NULL;

		if (name)
			s->modules[s->nmodules++].name = name;
		else
			err = -ENOMEM;
		free(entries[i]);
	}
	free(entries);
	s->listed = !err && s->modules;
	return s->listed ? 0 : -ENOMEM;
}

/* One that was unloaded meanwhile is gone, and has nothing. */
static int look_in_module(struct btf_set *s, size_t i,
			  int (*look)(struct btf_set *s, struct btf_place *p,
				      void *arg),
			  void *arg)
{
	struct btf_module *m = &s->modules[i];
	struct btf_place p = { .module = (uint32_t)i + 1 };

	if (!m->file && !m->err)
		m->err = open_file(s, m->name, &m->file);
	if (m->err)
		return m->err == -ENODEV ? -ENOENT : m->err;
	p.file = m->file;
	return look(s, &p, arg);
}

int btf_each_file(struct btf_set *s, const char *only,
		  int (*look)(struct btf_set *s, struct btf_place *p, void *arg),
		  void *arg)
{
	bool any = !only || strcmp(only, "*") == 0;
	struct btf_place p = { .file = NULL };
	int err = need_vmlinux(s);

	if (err)
		return err;
	p.file = s->vmlinux;
	if (any || strcmp(only, vmlinux_name) == 0) {
		err = look(s, &p, arg);
		if (err != -ENOENT || !any)
			return err;
	}
	err = list_modules(s);
	if (err)
		return err;
	for (size_t i = 0; i < s->nmodules; i++) {
		if (!any && strcmp(only, s->modules[i].name) != 0)
			continue;
		err = look_in_module(s, i, look, arg);
		if (err != -ENOENT)
			return err;
	}
	return -ENOENT;
}

/* What a search by name wants, and found. */
struct wanted {
	enum btf_names names;
	uint32_t kinds;
	const char *name;
	struct btf_place place;
};

static int look_for(struct btf_set *s, struct btf_place *p, void *arg)
{
	struct wanted *w = arg;
	int err = btf_file_find(p->file, w->names, w->kinds, w->name, &p->id);

	(void)s;
	if (err)
		return err;
	p->type = btf_file_type(p->file, p->id);
	w->place = *p;
	return 0;
}

int btf_place_find(struct btf_set *s, const char *module, enum btf_names names,
		   uint32_t kinds, const char *name, struct btf_place *out)
{
	struct wanted w = { .names = names, .kinds = kinds, .name = name };
	int err = btf_each_file(s, module, look_for, &w);

	if (!err)
		*out = w.place;
	return err;
}

const char *btf_place_name(const struct btf_place *p)
{
	return btf_file_string(p->file, p->type->name_off);
}

target_type_id btf_place_id(const struct btf_place *p, uint32_t id)
{
	if (!p->module || id < btf_file_first(p->file))
		return id;
	return (uint64_t)p->module << 32 | id;
}

int btf_place_go(const struct btf_place *from, uint32_t id, struct btf_place *to)
{
	*to = *from;
	to->id = id;
	to->type = btf_file_type(from->file, id);
	return id && !to->type ? -EINVAL : 0;
}

static int place_of(struct btf_set *s, target_type_id id, struct btf_place *out)
{
	struct btf_place p = { .module = (uint32_t)(id >> 32) };
	int err = need_vmlinux(s);

	if (err)
		return err;
	if (p.module > s->nmodules)
		return -EINVAL;
	p.file = p.module ? s->modules[p.module - 1].file : s->vmlinux;
	return p.file ? btf_place_go(&p, (uint32_t)id, out) : -EINVAL;
}

static bool is_user_tag(const struct btf_place *p)
{
	return btf_kind_of(p->type) == BTF_KIND_TYPE_TAG && !btf_flag_of(p->type) &&
	       strcmp(btf_place_name(p), "user") == 0;
}

int btf_place_strip(struct btf_place *p, bool *user)
{
	for (int i = 0; i < CHAIN_MAX; i++) {
		int err;

		switch (p->type ? btf_kind_of(p->type) : BTF_KIND_UNKN) {
		case BTF_KIND_TYPE_TAG:
			if (user && is_user_tag(p))
				*user = true;
			break;
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
			break;
		default:
			return 0;
		}
		err = btf_place_go(p, p->type->type, p);
		if (err)
			return err;
	}
	return -EINVAL;
}

bool btf_place_is(const struct btf_place *p, uint32_t kinds)
{
	unsigned kind = p->type ? btf_kind_of(p->type) : BTF_KIND_UNKN;

	return kind < 32 && kinds >> kind & 1;
}

int btf_place_define(struct btf_set *s, struct btf_place *p)
{
	uint32_t kind;
	int err;

	if (!btf_place_is(p, 1 << BTF_KIND_FWD))
		return 0;
	kind = btf_flag_of(p->type) ? BTF_KIND_UNION : BTF_KIND_STRUCT;
	err = btf_place_find(s, NULL, BTF_NAMES_TYPES, 1u << kind, btf_place_name(p),
			     p);
	return err == -ENOENT ? 0 : err;
}

int btf_place_resolve(struct btf_set *s, target_type_id id, struct btf_place *out)
{
	int err = place_of(s, id, out);

	if (!err)
		err = btf_place_strip(out, NULL);
	return err ? err : btf_place_define(s, out);
}
