/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * path.c - makes the dump's name from the template, finds its directory again, and makes and opens its file.
 * It must never make again a directory that the program has removed, never make one outside of a chroot that the
 * program has entered, and never give up a dump because its name is too long.
 */
#include "shim/dump/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "shim/dump/earlier.h"
#include "shim/dump/folder.h"
#include "shim/dump/job.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/guest/program.h"

enum {
	PATH_LIMIT = PATH_MAX - 1,
	NAME_SHORT = 143,   /* longest name on file systems that encrypt names, in bytes */
	WORD_LEAST = 8,     /* bytes that a word keeps when words are shortened */
	EXTENSION_MAX = 16, /* a longer extension is taken for a part of the name */
	TOLD_MAX = 600,     /* bytes of a path in a message */
	NUMBERS_MAX = 100,  /* names NAME-PID-NUMBER that are tried */
	ATTEMPTS_MAX = 10,  /* how often a file is tried in a folder that somebody else removes at the same moment */
	NULL_MAJOR = 1,     /* device number of /dev/null */
	NULL_MINOR = 3,
};

/* A directory, recognized by device and inode whatever its name. */
struct place {
	bool known;
	dev_t device;
	ino_t inode;
};

/* The words that the letters of a template stand for. */
struct words {
	const char *program, *job, *step, *array_task, *rank;
	char host[65], process[12], time[32];
	char ranked[32]; /* "" without a rank */
};

static struct {
	struct place root, directory; /* "/" and the working directory at the start */
	size_t there;                 /* how many bytes of the template name directories that existed at the start */
	char name[PATH_MAX];          /* the dump's path, absolute or relative to the directory at the start */
	char shown[3 * PATH_MAX];     /* see path_shown */
	char told[TOLD_MAX + 8];      /* see path_told */
	struct words words;
} path;

/* ---- directories ---- */

/* Returns the place that `name` has, relative to `directory`; of `directory` itself if it is empty. */
static struct place place_of(int directory, const char *name)
{
	struct stat status;

	if (fstatat(directory, name, &status, *name ? 0 : AT_EMPTY_PATH))
		return (struct place){0};
	return (struct place){true, status.st_dev, status.st_ino};
}

static bool place_same(const struct place *a, const struct place *b)
{
	return a->known && b->known && a->device == b->device && a->inode == b->inode;
}

/* Whether "/" is still the root of the start. After a chroot absolute paths of the start would name other places. */
static bool root_is_same(void)
{
	struct place now = place_of(AT_FDCWD, "/");

	return place_same(&now, &path.root);
}

void path_start(void)
{
	int saved = errno;
	char name[PATH_MAX];

	if (config.local)
		folder_start();
	path.root = place_of(AT_FDCWD, "/");
	path.directory = place_of(AT_FDCWD, ".");
	strcpy(name, config.out);
	for (char *slash = strchr(name + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		struct place found = {0};

		*slash = 0;
		if (!strchr(name, '%'))
			found = place_of(AT_FDCWD, name);
		*slash = '/';
		if (!found.known)
			break;
		path.there = (size_t)(slash - name);
	}
	errno = saved;
}

/*
 * Opens the directory `name`, which must be the directory at the start unless `other_allowed`. Returns a descriptor,
 * -1 if it is not there.
 */
static int directory_by(const char *name, bool other_allowed)
{
	int file = *name ? open(name, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct place found;

	if (file < 0)
		return -1;
	found = place_of(file, "");
	if (other_allowed || place_same(&found, &path.directory))
		return file;
	close(file);
	return -1;
}

/*
 * Opens the directory that a relative path.name is in: the one at the start or, if config.local is set, the folder for
 * node-local dumps. Returns a descriptor for openat, AT_FDCWD for an absolute path.name, or -1 if the directory is
 * gone. Closed by directory_close.
 */
static int directory_open(void)
{
	int file;

	if (config.local)
		return folder_open();
	if (path.name[0] == '/')
		return AT_FDCWD;
	file = directory_by(config.directory, root_is_same());
	return file >= 0 ? file : directory_by(".", false);
}

static void directory_close(int directory)
{
	if (directory >= 0)
		close(directory);
}

/* Whether `name`, relative to `directory`, is a directory, or ends in a slash, by which the user says so. */
static bool is_directory(int directory, const char *name)
{
	struct stat status;
	size_t length = strlen(name);

	return (length && name[length - 1] == '/') ||
	       (!fstatat(directory, name, &status, 0) && S_ISDIR(status.st_mode));
}

/*
 * Makes the directories of the path `name`. Directories that existed at the start are not made again if the program
 * has removed them, and none is made after a chroot.
 */
static void make_directories(int directory, char *name)
{
	if (!root_is_same())
		return;
	for (char *slash = strchr(name + 1 + path.there, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdirat(directory, name, 0755);
		*slash = '/';
	}
}

/* ---- words ---- */

void path_host(char *name, size_t size)
{
	if (gethostname(name, size))
		strcpy(name, "localhost");
	name[size - 1] = 0;
}

/*
 * Prints the time in UTC as 20260131T235959.123456. The date is computed from the days since 1970 in the proleptic
 * Gregorian calendar, with years that begin in March. The C library's gmtime is not used, since it reads the file of
 * the time zone.
 */
static void print_time(char *buffer, size_t size)
{
	struct timespec now;
	uint64_t days, era_day, era_year, year_day, month, second;
	size_t end = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	days = (uint64_t)now.tv_sec / 86400 + 719468; /* since 0000-03-01 */
	second = (uint64_t)now.tv_sec % 86400;
	era_day = days % 146097;
	era_year = (era_day - era_day / 1460 + era_day / 36524 - era_day / 146096) / 365;
	year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
	month = (5 * year_day + 2) / 153;
	guest_print(buffer, size, &end, "%04u%02u%02uT%02u%02u%02u.%06u",
	            (unsigned)(days / 146097 * 400 + era_year + (month >= 10)),
	            (unsigned)(month < 10 ? month + 3 : month - 9), (unsigned)(year_day - (153 * month + 2) / 5 + 1),
	            (unsigned)(second / 3600), (unsigned)(second / 60 % 60), (unsigned)(second % 60),
	            (unsigned)(now.tv_nsec / 1000));
}

/* Finds the words for this process; the time is that of the call. */
static void words_find(struct words *words)
{
	struct job job;
	size_t end = 0, ranked_end = 0;

	job_find(&job);
	words->program = base_name(program_path());
	words->job = job.number ? job.number : "none";
	words->step = job.step ? job.step : "none";
	words->array_task = job.array_task ? job.array_task : "none";
	words->rank = job.rank ? job.rank : "none";
	guest_print(words->ranked, sizeof(words->ranked), &ranked_end, "%s%s", job.rank ? "-r" : "",
	            job.rank ? job.rank : "");
	path_host(words->host, sizeof(words->host));
	guest_print(words->process, sizeof(words->process), &end, "%d", (int)getpid());
	print_time(words->time, sizeof(words->time));
}

/*
 * Returns the word that a letter of the template stands for; NULL if it stands for itself. *whole says that the word
 * must not be shortened, since it tells processes apart.
 */
static const char *word_of(const struct words *words, char letter, bool *whole)
{
	*whole = strchr("ptrRsa", letter);
	switch (letter) {
	case 'a': return words->array_task;
	case 'e': return words->program;
	case 'h': return words->host;
	case 'j': return words->job;
	case 'p': return words->process;
	case 'r': return words->rank;
	case 'R': return words->ranked;
	case 's': return words->step;
	case 't': return words->time;
	default: return NULL;
	}
}

/* ---- names ---- */

/*
 * Words come from the environment: a slash would name a directory, and control characters would reach the terminal of
 * whoever lists the directory.
 */
void path_tame(char *word)
{
	for (size_t size, rest = strlen(word); rest; word += size, rest -= size) {
		size = character_size(word, rest);
		if (*word == '/' || character_is_control(word, size))
			memset(word, '_', size);
	}
}

/*
 * Prints one component of a template, which has `length` bytes, with words cut to `most` bytes. Cut to `size` bytes.
 * Returns the length of what was printed.
 */
static size_t component_print(char *name, size_t size, const char *template, size_t length, size_t most)
{
	size_t end = 0;
	bool given = true; /* the component has no word: "." and ".." are then what the user means */

	name[0] = 0;
	for (const char *at = template; at < template + length; at++) {
		bool whole = true;
		const char *word =
			*at == '%' && at + 1 < template + length ? word_of(&path.words, *++at, &whole) : NULL;
		size_t word_length = word ? strlen(word) : 0, before = end;

		if (!word) {
			guest_print(name, size, &end, "%c", *at);
			continue;
		}
		if (!whole && word_length > most)
			word_length = guest_whole(word, most);
		guest_print(name, size, &end, "%.*s", (int)word_length, word);
		path_tame(name + before);
		given = false;
	}
	if (!given && (!strcmp(name, ".") || !strcmp(name, "..")))
		memset(name, '_', end);
	return end;
}

/* Makes NAME.EXTENSION to NAME[SUFFIX].EXTENSION with at most `limit` bytes, by cutting NAME. */
static void name_fit(char *fitted, size_t size, const char *name, const char *suffix, size_t limit)
{
	size_t length = strlen(name), end = 0, stem, fixed;
	const char *dot = strrchr(name, '.');

	if (!dot || dot == name || length - (size_t)(dot - name) > EXTENSION_MAX)
		dot = name + length;
	stem = (size_t)(dot - name);
	fixed = length - stem + strlen(suffix);
	if (stem + fixed > limit)
		stem = guest_whole(name, limit > fixed ? limit - fixed : 0);
	guest_print(fitted, size, &end, "%.*s%s%s", (int)stem, name, suffix, dot);
}

/*
 * Appends one component of a template, with at most `limit` bytes. If it is longer, first its longest words are
 * shortened, down to WORD_LEAST, and then the component as a whole.
 */
static void component_append(char *name, size_t *end, const char *template, size_t length, size_t most, size_t limit)
{
	static char wide[2 * PATH_MAX], fitted[NAME_MAX + 1]; /* static since stacks may be small; under record_lock */

	while (component_print(wide, sizeof(wide), template, length, most) > limit && most > WORD_LEAST)
		most--;
	name_fit(fitted, sizeof(fitted), wide, "", limit);
	guest_print(name, 2 * PATH_MAX, end, "%s", fitted);
}

/* Prints a whole template, with words of at most `most` bytes and components of at most `limit`. Returns the length. */
static size_t template_print(char *name, const char *template, size_t most, size_t limit)
{
	size_t end = 0;

	name[0] = 0;
	for (;;) {
		size_t length = strcspn(template, "/");

		if (length)
			component_append(name, &end, template, length, most, limit);
		if (!template[length])
			return end;
		guest_print(name, 2 * PATH_MAX, &end, "/");
		template += length + 1;
	}
}

/* Shortens the last component of a path that is longer than PATH_LIMIT. */
static void last_fit(char *name, size_t limit)
{
	static char last[NAME_MAX + 1];
	char *base = (char *)base_name(name);
	size_t before = (size_t)(base - name), room = before < PATH_LIMIT ? PATH_LIMIT - before : 0;

	if (strlen(name) <= PATH_LIMIT)
		return;
	name_fit(last, sizeof(last), base, "", room < limit ? room : limit);
	strcpy(base, last);
}

/* Adds a file's name to the path `name`, with `end` bytes, if that is a directory. */
static void directory_add_name(char *name, size_t end, size_t limit)
{
	int directory;

	path.name[0] = name[0]; /* directory_open looks at it: a slash says that the path is absolute */
	directory = directory_open();
	if (is_directory(directory, name)) {
		guest_print(name, 2 * PATH_MAX, &end, "%s", end && name[end - 1] == '/' ? "" : "/");
		component_append(name, &end, config.name, strlen(config.name), NAME_MAX, limit);
	}
	directory_close(directory);
}

/*
 * Makes path.name from the template, with components of at most `limit` bytes; false if its directories alone are too
 * long.
 */
static bool name_make(size_t limit)
{
	static char name[2 * PATH_MAX];
	size_t most = NAME_MAX, end;

	words_find(&path.words);
	while ((end = template_print(name, config.out, most, limit)) > PATH_LIMIT && most > WORD_LEAST)
		most /= 2;
	if (!config.local)
		directory_add_name(name, end, limit);
	last_fit(name, limit);
	end = 0;
	guest_print(path.name, sizeof(path.name), &end, "%s", name);
	return strlen(name) <= PATH_LIMIT;
}

/* Makes path.name from `base`: NAME.dump becomes NAME-PID.dump or, with a number above 1, NAME-PID-NUMBER.dump. */
static void name_vary(const char *base, unsigned number, size_t limit)
{
	static char last[NAME_MAX + 1];
	char suffix[32];
	size_t end = 0, before = (size_t)(base_name(base) - base), room = PATH_LIMIT - before;

	guest_print(suffix, sizeof(suffix), &end, number > 1 ? "-%d-%u" : "-%d", (int)getpid(), number);
	name_fit(last, sizeof(last), base + before, suffix, room < limit ? room : limit);
	strcpy(path.name + before, last);
}

/* Makes path.shown from path.name. */
static void shown_make(void)
{
	size_t end = 0;

	path.shown[0] = 0;
	if (config.local || (path.name[0] != '/' && config.directory[0]))
		guest_print(path.shown, sizeof(path.shown), &end, "%s/",
		            config.local ? folder_path() : config.directory);
	guest_print(path.shown, sizeof(path.shown), &end, "%s", path.name);
}

const char *path_shown(void) { return path.shown; }

const char *path_told(void)
{
	size_t length = strlen(path.shown), head, tail, end = 0;

	if (length <= TOLD_MAX)
		return path.shown;
	head = guest_whole(path.shown, TOLD_MAX / 2);
	tail = length - TOLD_MAX / 2;
	while (((unsigned char)path.shown[tail] & 0xc0) == 0x80)
		tail++;
	guest_print(path.told, sizeof(path.told), &end, "%.*s...%s", (int)head, path.shown, path.shown + tail);
	return path.told;
}

/* ---- the file ---- */

static mode_t access_mode(void)
{
	switch (config.access) {
	case ACCESS_GROUP: return 0640;
	case ACCESS_ALL: return 0644;
	default: return 0600;
	}
}

/*
 * Whether the name stands for a device, a pipe or a descriptor. The user does not want a dump beside one of these,
 * unlike beside another dump. *is_null tells whether it is /dev/null.
 */
static bool is_no_file(int directory, const char *name, bool *is_null)
{
	static const char descriptors[] = "/proc/self/fd/"; /* what /dev/stdout links to */
	char link[sizeof(descriptors)] = "";
	struct stat status;

	*is_null = false;
	if (fstatat(directory, name, &status, 0))
		return false;
	*is_null = S_ISCHR(status.st_mode) && status.st_rdev == makedev(NULL_MAJOR, NULL_MINOR);
	return !S_ISREG(status.st_mode) ||
	       (readlinkat(directory, name, link, sizeof(link) - 1) > 0 && !strcmp(link, descriptors));
}

/* Whether this is rank 0, or no rank: of many ranks one is enough to say something about all. */
static bool is_first_rank(void) { return !strcmp(path.words.rank, "0") || !*path.words.ranked; }

/*
 * Prints that the name was taken and which one is used instead, since a user who looks at the name finds another
 * dump. If that is an earlier run's, it is printed even if config.quiet is set; if it is this run's, nothing is
 * printed, since each process leaves a dump of its own; if it is another step's of the same job, one rank prints it.
 * `kept_by`: why the old dump could not be replaced; NULL if that was not tried.
 */
static void say_taken(const char *name, enum standing there, const char *kept_by)
{
	if (there == STANDS_EARLIER && kept_by)
		guest_say("%s exists already, from an earlier run, and could not be replaced (%s): writing %s", name,
		          kept_by, path_told());
	else if (there == STANDS_EARLIER)
		guest_say("%s exists already, from an earlier run: writing %s", name, path_told());
	else if (there == STANDS_OF_JOB && !config.quiet && is_first_rank())
		guest_say("%s exists already, from another step or launch of job %s: writing %s", name, path.words.job,
		          path_told());
	else if (there != STANDS_OF_RUN && there != STANDS_OF_JOB && !config.quiet)
		guest_say("%s exists already: writing %s", name, path_told());
}

/* Creates a file at path.name, which must not exist. Returns a descriptor, or -1 with errno and its name in *fault. */
static int file_new(int directory, const char **fault)
{
	int file = openat(directory, path.name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	*fault = strerrorname_np(errno);
	return file;
}

/*
 * Creates a file under the first name that is free: NAME-PID, NAME-PID-2 and so on. Another rank may have taken some.
 */
static int file_vary(int directory, const char *base, size_t limit, const char **fault)
{
	int file = -1;

	errno = EEXIST;
	for (unsigned number = 1; file < 0 && errno == EEXIST && number < NUMBERS_MAX; number++) {
		name_vary(base, number, limit);
		file = file_new(directory, fault);
	}
	return file;
}

/*
 * Creates the file at path.name, in place of an earlier run's dump if config.overwrite is set, or under another
 * name if that is taken. Returns as path_create.
 */
static int file_create(int directory, size_t limit, bool forked, const char **fault)
{
	static char base[PATH_MAX];
	enum standing there = STANDS_PRESENT;
	int file = file_new(directory, fault);
	bool taken = file < 0 && errno == EEXIST, is_null;
	const char *kept_by = NULL;

	strcpy(base, path.name);
	if (taken && is_no_file(directory, base, &is_null)) {
		*fault = is_null ? NULL : "it is no regular file";
		errno = EEXIST;
		return -1;
	}
	if (taken && !forked)
		there = earlier_look(directory, base);
	if (config.overwrite && there == STANDS_EARLIER) {
		enum removal removal = earlier_remove(directory, base);

		kept_by = removal == REMOVAL_FAILED ? strerrorname_np(errno) : NULL;
		if (removal == REMOVAL_DONE)
			file = file_new(directory, fault);
		if (file < 0 && !kept_by)
			there = earlier_look(directory, base); /* another process has replaced it first */
	}
	if (taken && file < 0)
		file = file_vary(directory, base, limit, fault);
	if (file < 0)
		return -1;
	if (config.access != ACCESS_OWNER)
		fchmod(file, access_mode()); /* the user asked for it: the umask does not count */
	shown_make();
	if (strcmp(base, path.name) && !forked)
		say_taken(base_name(base), there, kept_by);
	return file;
}

/*
 * Creates the file in the folder for node-local dumps. Whoever collects dumps removes empty folders, so that one may be
 * gone when the file is to be made.
 */
static int create_local(size_t limit, bool forked, const char **fault)
{
	int file = -1, error = ENOENT;

	for (int attempt = 0; file < 0 && error == ENOENT && attempt < ATTEMPTS_MAX; attempt++) {
		int folder = folder_make(fault);

		error = errno;
		shown_make();
		if (folder < 0)
			break;
		file = file_create(folder, limit, forked, fault);
		error = errno;
		close(folder);
	}
	errno = error;
	return file;
}

/* Does what path_create does, with components of at most `limit` bytes. */
static int try_create(size_t limit, bool forked, const char **fault)
{
	int directory, file, error;
	bool fits = name_make(limit);
	const char *why;

	shown_make();
	*fault = strerrorname_np(ENAMETOOLONG);
	if (!fits)
		return -1;
	if (config.local)
		return create_local(limit, forked, fault);
	directory = directory_open();
	*fault = "the directory where the program began is gone";
	if (directory == -1)
		return -1;
	make_directories(directory, path.name);
	file = file_create(directory, limit, forked, &why);
	error = errno;
	if (file < 0 && (error != ENOENT || path.name[0] == '/'))
		*fault = why;
	directory_close(directory);
	errno = error;
	return file;
}

int path_create(bool forked, const char **fault)
{
	int file = try_create(NAME_MAX, forked, fault);

	if (file < 0 && errno == ENAMETOOLONG)
		file = try_create(NAME_SHORT, forked, fault);
	return file;
}

int path_open(void)
{
	int directory = directory_open(), file;

	if (directory == -1)
		return -1;
	file = openat(directory, path.name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (directory >= 0) {
		int error = errno;

		close(directory);
		errno = error;
	}
	return file;
}

void path_remove(void)
{
	int directory = directory_open();

	if (directory == -1)
		return;
	unlinkat(directory, path.name, 0);
	directory_close(directory);
}
