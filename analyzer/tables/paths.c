/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * paths.c - names files alike on every machine.
 * It must never take a file for the user's own because its path merely begins with the same letters as the root.
 */
#include "analyzer/tables/paths.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/aggregate/redact.h"
#include "analyzer/base/text.h"
#include "names.h"

#define PACKAGES "<site-packages>/"
#define LANGUAGE "<python>/"

/* ---- the root ---- */

/* Adds a path to an empty text, without empty and dotted parts. Parts ".." at the beginning of a relative path stay. */
static void add_plain(struct text *text, const char *path)
{
	bool absolute = *path == '/';
	size_t base = 0; /* what ".." cannot remove */

	text_add(text, "");
	while (*path) {
		size_t length = strcspn(path, "/");
		bool up = length == 2 && !memcmp(path, "..", 2);

		if (up && text->length > base) {
			while (text->length > base && text->bytes[text->length - 1] != '/')
				text->length--;
			text->length -= text->length > base;
			text->bytes[text->length] = 0;
		} else if (length && !(length == 1 && *path == '.') && !(up && absolute)) {
			if (absolute || text->length)
				text_add_byte(text, '/');
			text_add_bytes(text, path, length);
			if (up)
				base = text->length;
		}
		path += length;
		path += *path == '/';
	}
}

static char *plain(const char *path)
{
	struct text text = {0};

	add_plain(&text, path);
	return text.bytes;
}

/* An absolute path without links, if it exists, to be freed; NULL otherwise. */
static char *real_path(const char *path)
{
	char *real = realpath(*path ? path : "/", NULL), *copy = real ? plain(real) : NULL;

	free(real);
	return copy;
}

/* Cuts an absolute path to that of the git work tree that it is in. Returns false, with the path as it was, if it is in none. */
static bool cut_to_work_tree(char *directory)
{
	struct stat status;

	for (size_t length = strlen(directory); length; length--) {
		char *git;
		bool found;

		if (directory[length] && directory[length] != '/')
			continue;
		git = memory_format("%.*s/.git", (int)length, directory);
		found = !stat(git, &status);
		free(git);
		if (found) {
			directory[length] = 0;
			return true;
		}
	}
	return false;
}

/* The directory of a file, without links, to be freed; NULL if it does not exist. */
static char *directory_of(const char *file)
{
	char *directory = memory_format("%.*s.", (int)(base_name(file) - file), file), *real = real_path(directory);

	free(directory);
	return real;
}

/*
 * The work tree of a file or, where it is in none, of the current directory; where that is in none, either, the file's
 * directory, so that it does not matter from where it was asked. To be freed.
 */
static char *find_root(const char *beside)
{
	char *root = directory_of(beside), *here;

	if (root && cut_to_work_tree(root))
		return root;
	here = real_path(".");
	if (here && (cut_to_work_tree(here) || !root)) {
		free(root);
		return here;
	}
	free(here);
	return root ? root : plain("/");
}

void paths_open(struct paths *paths, const char *root, const char *beside)
{
	*paths = (struct paths){0};
	if (!root) {
		paths->root = find_root(beside);
	} else if (*root == '/') {
		paths->root = plain(root);
	} else {
		char *here = real_path("."), *joined = memory_format("%s/%s", here ? here : "", root);

		paths->root = plain(joined);
		free(here);
		free(joined);
	}
	paths->real_root = real_path(paths->root);
	if (!paths->real_root)
		paths->real_root = plain(paths->root);
}

void paths_close(struct paths *paths)
{
	for (size_t i = 0; i < paths->map_count; i++) {
		free(paths->maps[i].old);
		free(paths->maps[i].new);
	}
	free(paths->maps);
	free(paths->root);
	free(paths->real_root);
	intern_free(&paths->names);
}

bool paths_map(struct paths *paths, const char *map)
{
	const char *equals = strchr(map, '=');
	char *old;

	if (!equals || equals == map)
		return false;
	old = memory_text(map, (size_t)(equals - map));
	paths->maps = memory_grow(paths->maps, paths->map_count, &paths->map_capacity, sizeof *paths->maps);
	paths->maps[paths->map_count++] = (struct path_map){plain(old), plain(equals + 1)};
	free(old);
	return true;
}

/* ---- names ---- */

const char *paths_folders(void *context, const char *path)
{
	enum path_kind kind;

	paths_name(context, path, &kind);
	return kind == PATH_PACKAGE ? REDACTED_PACKAGE : kind == PATH_SYSTEM ? REDACTED_SYSTEM : "";
}

/* The part of a path behind a directory; NULL if it is not in that directory. */
static const char *behind(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return !strncmp(path, directory, length) && path[length] == '/' ? path + length + 1 : NULL;
}

static bool is_of_system(const char *path)
{
	static const char *const places[] = {"/usr", "/lib",  "/lib32",     "/lib64",     "/libx32", "/bin", "/sbin",
	                                     "/opt", "/snap", "/nix/store", "/gnu/store", "/cvmfs",  "/boot"};

	for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
		if (behind(path, places[i]))
			return true;
	return false;
}

/* The part of a path behind the last directory that Python packages are installed in; NULL if it is in none. */
static const char *in_packages(const char *path)
{
	static const char *const places[] = {"/site-packages/", "/dist-packages/"};
	const char *last = NULL;

	for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
		for (const char *at = path; (at = strstr(at, places[i]));)
			if (++at > last)
				last = at + strlen(places[i]) - 1;
	return last;
}

/* The part of a path behind Python's own library, /usr/lib/python3.11; NULL if it is not in one. */
static const char *in_language(const char *path)
{
	for (const char *at = path; (at = strstr(at, "/lib/python3"));) {
		at += strlen("/lib/python3");
		at += strspn(at, ".0123456789t");
		if (*at == '/')
			return at + 1;
	}
	return NULL;
}

/* The part of a path that lies below the root, with or without links; NULL if it does not. */
static const char *in_root(const struct paths *paths, const char *path)
{
	const char *found = behind(path, paths->root);

	return found ? found : behind(path, paths->real_root);
}

/*
 * Adds the base name of a file, without what differs from one release or machine to another in that of a module: versions behind
 * .so, and the interpreter that an extension of Python was made for.
 */
static void add_base(struct text *text, const char *path)
{
	const char *name = base_name(path), *shared = strstr(name, ".so"), *made_for = strstr(name, ".cpython-");

	if (shared && (shared[3] == '.' || !shared[3]))
		text_add_bytes(text, name, (size_t)((made_for && made_for < shared ? made_for : shared) - name));
	else
		text_add(text, name);
	if (shared && (shared[3] == '.' || !shared[3]))
		text_add(text, ".so");
}

/* Adds the name of a path that is plain. */
static enum path_kind add_plain_name(struct paths *paths, struct text *name, const char *path)
{
	const char *part;
	char *real;

	if ((part = in_packages(path))) {
		text_add(name, PACKAGES);
		text_add_bytes(name, part, (size_t)(base_name(part) - part));
		add_base(name, part);
		return PATH_PACKAGE;
	}
	if ((part = in_language(path))) {
		text_add(name, LANGUAGE);
		text_add(name, part);
		return PATH_SYSTEM;
	}
	if (is_of_system(path) && !is_of_system(paths->root)) {
		add_base(name, path);
		return PATH_SYSTEM;
	}
	part = *path == '/' ? in_root(paths, path) : strncmp(path, "../", 3) ? path : NULL;
	if (!part && *path == '/' && (real = realpath(path, NULL))) {
		if ((part = in_root(paths, real)))
			text_add(name, part);
		free(real);
		if (part)
			return PATH_OWN;
	}
	if (part && *part) {
		text_add(name, part);
		return PATH_OWN;
	}
	add_base(name, path);
	return is_of_system(path) ? PATH_SYSTEM : PATH_OTHER;
}

/* The path that the maps make of a plain one, to be freed. */
static char *mapped(const struct paths *paths, const char *path)
{
	for (size_t i = 0; i < paths->map_count; i++) {
		const struct path_map *map = &paths->maps[i];
		const char *part = strcmp(path, map->old) ? behind(path, map->old) : "";

		if (part)
			return memory_format("%s%s%s", map->new, *map->new &&*part ? "/" : "", part);
	}
	return memory_text(path, strlen(path));
}

const char *paths_name(struct paths *paths, const char *path, enum path_kind *kind)
{
	struct text name = {0};
	char *clean, *moved;
	const char *kept;

	if (behind(path, REDACTED_PACKAGE) || !strcmp(path, REDACTED_PACKAGE)) {
		*kind = PATH_PACKAGE;
		return intern_at(&paths->names, intern_text(&paths->names, path));
	}
	if (behind(path, REDACTED_SYSTEM) || !strcmp(path, REDACTED_SYSTEM)) {
		*kind = PATH_SYSTEM;
		return intern_at(&paths->names, intern_text(&paths->names, path));
	}
	if (*path == '<') { /* a file of Python that is none */
		*kind = python_file_is_made(path, strlen(path)) ? PATH_MADE : PATH_TYPED;
		return intern_at(&paths->names, intern_text(&paths->names, path));
	}
	clean = plain(path);
	moved = mapped(paths, clean);
	*kind = add_plain_name(paths, &name, moved);
	kept = intern_at(&paths->names, intern_bytes(&paths->names, name.bytes, name.length));
	text_free(&name);
	free(moved);
	free(clean);
	return kept;
}
