// SPDX-License-Identifier: GPL-2.0-or-later
// target_open_core*(): a core file's segments and notes become memory and mappings.
#include "mem/src.h"
#include "mem/unpack.h"
#include "sym/core.h"
#include "sym/lost_files.h"
#include "sym/mappings.h"
#include "sym/open.h"
#include "util/cleanup.h"

#include <elf.h>
#include <errno.h>
#include <sys/stat.h>

struct core {
	const uint8_t *data;
	uint64_t size;
	struct core_pieces pieces;
	struct mapping_vec files; // NT_FILE
};

static int read_all_notes(struct target *t, struct core *c, struct ccore_error *err)
{
	uint64_t budget = LIM_NOTES_BYTES;
	bool any = false;

	for (uint64_t i = 0; i < c->pieces.n; i++) {
		const struct core_piece *p = &c->pieces.data[i];

		if (p->type != PT_NOTE)
			continue;
		any = true;
		t->notes_lost |= p->lost_bytes != 0;
		if (!p->file_bytes)
			continue;
		if (p->file_bytes > budget) {
			damage_note(&t->damage, DAMAGE_LIMIT, 0);
			continue;
		}
		budget -= p->file_bytes;
		TRY(core_notes_read(t, c->data + p->off, p->file_bytes, &c->files, err));
	}
	t->notes_lost |= any && !t->threads.n && !c->files.n;
	return 0;
}

/*
 * A file's mapping is one of the core's segments, or several of them that follow one another, or,
 * where gdb's gcore left it out, in none. Anything else is a number that was overwritten.
 */
static int check_files(struct target *t, struct core *c, struct ccore_error *err)
{
	const int64_t wrong = mappings_trim(&c->files, &t->mappings, err);

	if (wrong < 0)
		return (int)wrong;
	mappings_tidy(&c->files);
	t->notes_lost |= wrong > 0;
	return 0;
}

static int add_mappings(struct target *t, struct core *c, struct ccore_error *err)
{
	for (uint64_t i = 0; i < c->pieces.n; i++) {
		const struct core_piece *p = &c->pieces.data[i];
		const struct mapping m = {.start = p->addr,
					  .end = p->addr + p->mem_bytes,
					  .flags = p->flags,
					  .saved_bytes = p->file_bytes,
					  .lost_bytes = p->lost_bytes,
					  .name = ""};

		if (p->type == PT_LOAD && p->mem_bytes && !vec_push(&t->mappings, m))
			return err_nomem(err);
	}
	if (!t->mappings.n)
		return err_set(err, CCORE_EFORMAT, 0, "the core holds no memory at all");
	mappings_tidy(&t->mappings);
	TRY(check_files(t, c, err));
	if (t->notes_lost)
		damage_note(&t->damage, DAMAGE_MISSING_NOTES, 0);
	return mappings_overlay(&t->mappings, &c->files, err);
}

// First what is mapped, then what is saved of it: what comes later wins.
static int add_memory(struct target *t, const struct core *c, struct ccore_error *err)
{
	for (uint64_t i = 0; i < t->mappings.n; i++) {
		const struct mapping *m = &t->mappings.data[i];

		TRY(mem_add(&t->mem, m->start, m->end - m->start, NULL, NULL, 0, err));
	}
	for (uint64_t i = 0; i < c->pieces.n; i++) {
		const struct core_piece *p = &c->pieces.data[i];

		if (p->type == PT_LOAD && p->file_bytes)
			TRY(mem_add(&t->mem, p->addr, p->file_bytes, c->data + p->off, NULL, 0,
				    err));
	}
	return mem_freeze(&t->mem, err);
}

/*
 * Whether `maps` is of this very process: half of the core's files, or of all its mappings when
 * it names none, start where the maps say. Address randomisation puts every process elsewhere.
 */
static bool maps_fit(const struct mapping_vec *maps, const struct mapping_vec *core)
{
	uint64_t files = 0, same_files = 0, same = 0;

	for (uint64_t i = 0; i < core->n; i++) {
		const struct mapping *c = &core->data[i], *m = mappings_find(maps, c->start);
		const bool starts = m && m->start == c->start;

		files += c->name[0] != '\0';
		same += starts;
		same_files += starts && c->name[0] && strcmp(m->name, c->name) == 0;
	}
	return files ? same_files >= files - files / 2 : same >= core->n - core->n / 2;
}

static int read_maps(struct target *t, const char *path, struct mapping_vec *ret,
		     struct ccore_error *err)
{
	struct file_map f;
	int r;

	TRY(file_map_open(path, &f, NULL, err));
	if (f.size > LIM_MAPS_BYTES)
		r = err_set(err, CCORE_EFORMAT, 0, "more than %u bytes", LIM_MAPS_BYTES);
	else
		r = maps_text_parse((const char *)f.data, f.size, &t->arena, ret, err);
	file_map_close(&f);
	return r < 0 && r != CCORE_EIO ? err_prefix(err, r, "%s", path) : r;
}

static int overlay_maps(struct target *t, const char *path, struct ccore_error *err)
{
	struct mapping_vec maps = {0};
	int r = read_maps(t, path, &maps, err);

	if (r == 0 && !maps_fit(&maps, &t->mappings))
		r = err_set(err, CCORE_EFORMAT, 0,
			    "%s is of another process: its files lie elsewhere than the core's",
			    path);
	if (r == 0)
		r = mappings_overlay(&t->mappings, &maps, err);
	if (r == 0)
		t->maps_from_file = true;
	vec_done(&maps);
	return r;
}

// A copy of /proc/PID/smaps or maps that lies beside the core, or NULL. smaps says more.
static int find_saved_maps(struct target *t, const char **ret, struct ccore_error *err)
{
	static const char *const suffixes[] = {".smaps", ".maps"};
	struct stat st;

	*ret = NULL;
	for (unsigned i = 0; t->path && !*ret && i < 2; i++) {
		const char *path = arena_printf(&t->arena, "%s%s", t->path, suffixes[i]);

		if (!path)
			return err_nomem(err);
		*ret = stat(path, &st) == 0 ? path : NULL;
	}
	return 0;
}

// The maps file that the user named must be right; one found beside the core may be not.
static int use_saved_maps(struct target *t, const struct target_opts *opts, struct ccore_error *err)
{
	struct ccore_error why;
	const char *path;
	int r;

	if (opts->maps)
		return overlay_maps(t, opts->maps, err);
	TRY(find_saved_maps(t, &path, err));
	if (!path)
		return 0;
	r = overlay_maps(t, path, &why);
	if (r == CCORE_ENOMEM)
		return err_nomem(err);
	if (r == 0)
		return 0;
	return target_note(t, arena_printf(&t->arena, "saved maps not used: %s", why.text), err);
}

/*
 * How much is gone of the memory that was the process's own to write, which is where its objects
 * are. Of what lay behind program headers that are cut off as well nothing is known.
 */
static int note_lost(struct target *t, struct ccore_error *err)
{
	uint64_t lost = 0, all = 0, lost_anywhere = 0;

	for (uint64_t i = 0; i < t->mappings.n; i++) {
		const struct mapping *m = &t->mappings.data[i];

		lost_anywhere += m->lost_bytes;
		if ((m->flags & MAPPING_W) && !(m->flags & MAPPING_SHARED)) {
			lost += m->lost_bytes;
			all += m->saved_bytes + m->lost_bytes;
		}
	}
	if (!lost_anywhere)
		return 0;
	t->mem.unsaved_text = "mapped, but not saved in the core, or cut off its end";
	return target_note(
		t,
		arena_printf(&t->arena,
			     "the core is cut off: of the process's own memory, where its objects "
			     "lie, %.1f %% is missing (%llu of %llu KiB)",
			     all ? 100.0 * (double)lost / (double)all : 0.0,
			     (unsigned long long)(lost >> 10), (unsigned long long)(all >> 10)),
		err);
}

static int note_lost_notes(struct target *t, struct ccore_error *err)
{
	const char *some = "some of the core's notes are missing: threads, their registers, and "
			   "names of files may be";
	char *all = arena_printf(&t->arena,
				 "the core's notes, which gcore writes last, are missing: its "
				 "threads, their registers and the signal are not known; of its "
				 "files %llu are, by what lies in memory",
				 (unsigned long long)t->modules.n);

	return t->notes_lost ? target_note(t, t->threads.n ? some : all, err) : 0;
}

/*
 * What the list of files would have named. What a file is mapped to without being saved is not
 * among the core's own segments.
 */
static int find_lost_files(struct target *t, const struct core *c, const struct target_opts *opts,
			   struct ccore_error *err)
{
	struct mapping_vec files = {0};
	int r;

	if (c->files.n && !t->notes_lost)
		return 0;
	target_find_vector(t);
	r = lost_files_find(t, opts, &files, err);
	if (r == 0 && files.n)
		r = mappings_overlay(&t->mappings, &files, err);
	vec_done(&files);
	for (uint64_t i = 0; r == 0 && i < t->mappings.n; i++) {
		const struct mapping *m = &t->mappings.data[i];

		if (!(m->flags & MAPPING_PERMS_KNOWN))
			r = mem_add(&t->mem, m->start, m->end - m->start, NULL, NULL, 0, err);
	}
	return r < 0 ? r : mem_freeze(&t->mem, err);
}

static int open_core(struct target *t, struct core *c, const struct target_opts *opts,
		     struct ccore_error *err)
{
	TRY(core_elf_read(c->data, c->size, &c->pieces, &t->damage, err));
	TRY(read_all_notes(t, c, err));
	TRY(add_mappings(t, c, err));
	TRY(use_saved_maps(t, opts, err));
	mappings_infer_shared(&t->mappings);
	TRY(note_lost(t, err));
	TRY(add_memory(t, c, err));
	TRY(find_lost_files(t, c, opts, err));
	TRY(target_find_thread_areas(t, err));
	target_complete_command_line(t);
	TRY(modules_find(t, opts, err));
	return note_lost_notes(t, err);
}

static const char *tmp_dir(const struct target_opts *opts)
{
	const char *dir = opts->tmp_dir ? opts->tmp_dir : getenv("TMPDIR");

	return dir && *dir ? dir : "/var/tmp"; // on a disk, where /tmp may be memory
}

// What is compressed becomes a file of its own, and `c` that file's.
static int unpack_core(struct target *t, struct core *c, const struct target_opts *opts,
		       struct ccore_error *err)
{
	const struct compression *format = compression_of(c->data, c->size);
	const struct file_map packed = {.data = c->data, .size = c->size};
	struct unpacked plain;

	if (!format)
		return 0;
	TRY(unpack(&plain, format, &packed, tmp_dir(opts), &opts->progress, err));
	c->data = plain.file.data;
	c->size = plain.file.size;
	TRY(file_map_own(&t->mem, plain.file, err));
	if (plain.ended && !c->size)
		return err_set(err, CCORE_EFORMAT, 0,
			       "not an ELF core: it is compressed with %s, and %s before anything "
			       "comes out of it",
			       format->name, plain.ended);
	if (plain.ended)
		damage_note(&t->damage, DAMAGE_TRUNCATED, 0);
	return target_note(
		t,
		arena_printf(
			&t->arena,
			"the core is compressed with %s%s%s; it was decompressed into %llu MiB "
			"in %s, for this once",
			format->name, plain.ended ? " and " : "", plain.ended ? plain.ended : "",
			(unsigned long long)(c->size >> 20), tmp_dir(opts)),
		err);
}

static int open_core_data(struct target *t, const uint8_t *data, uint64_t size,
			  const struct target_opts *opts, struct ccore_error *err)
{
	struct core c = {.data = data, .size = size};
	int r = unpack_core(t, &c, opts, err);

	if (r == 0)
		r = open_core(t, &c, opts, err);
	vec_done(&c.pieces);
	vec_done(&c.files);
	if (r < 0)
		target_done(t);
	return r;
}

int target_open_core_mem(struct target *ret, const void *data, uint64_t size,
			 const struct target_opts *opts, struct ccore_error *err)
{
	TRY(target_check_folders(opts, 0, err));
	TRY(target_init(ret, TARGET_CORE, opts, err));
	return open_core_data(ret, data, size, opts, err);
}

int target_open_core(struct target *ret, const char *path, const struct target_opts *opts,
		     struct ccore_error *err)
{
	struct file_map f;
	int r;

	TRY(target_check_folders(opts, 0, err));
	TRY(target_init(ret, TARGET_CORE, opts, err));
	r = file_map_open(path, &f, NULL, err);
	if (r == 0)
		r = file_map_own(&ret->mem, f, err);
	if (r < 0) {
		target_done(ret);
		return r;
	}
	ret->path = arena_strdup(&ret->arena, path);
	if (!ret->path) {
		target_done(ret);
		return err_nomem(err);
	}
	r = open_core_data(ret, f.data, f.size, opts, err);
	return r < 0 ? err_prefix(err, r, "%s", path) : 0;
}
