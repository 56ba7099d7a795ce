/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * weights.c - what a call is charged.
 * It must never use floating point: weights are fixed-point numbers with 32 fractional bits.
 *
 * The file has one `NAME FACTOR` a line; `#` starts a comment. A name is a routine (dgemm), a family (gemm), a type
 * (type:s, type:d, type:c, type:z) or a precision (precision:single, precision:double). The factors of all names that
 * match a routine are multiplied.
 */
#include "shim/charge/weights.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/guest/machine.h"
#include "variables.h"
#include "symbols.h"

enum {
	FILE_MAX = 1 << 20,
	/* bytes of lines that are passed on in the environment: Linux takes 131,071 in one variable */
	PASSED_MAX = 100000,
	PATIENCE_MS = 10000, /* to wait for the next bytes of a pipe */
	SYMBOL_MAX = 64,     /* no name of a routine is longer */
};

uint64_t *weights_factors;

/* value * factor / 2^32, rounded; at least 1 if neither is 0; UINT64_MAX where it does not fit. */
static uint64_t scaled_wide(uint64_t value, uint64_t factor)
{
	unsigned __int128 product = (unsigned __int128)value * factor;
	uint64_t rest = (uint64_t)product & (WEIGHT_ONE - 1);

	product >>= 32;
	product += rest >= WEIGHT_ONE / 2;
	if (product > UINT64_MAX)
		return UINT64_MAX;
	return !product && value && factor ? 1 : (uint64_t)product;
}

/* The same in 63 bits: INT64_MAX, and sets *saturated, where it does not fit. */
static uint64_t scaled(uint64_t value, uint64_t factor, bool *saturated)
{
	uint64_t product = scaled_wide(value, factor);

	if (product <= INT64_MAX)
		return product;
	*saturated = true;
	return INT64_MAX;
}

uint64_t weights_apply(const struct routine *routine, uint64_t multiplier, uint64_t flops, bool *saturated)
{
	uint64_t factor = weights_factors && routine ? weights_factors[routine - routines] : WEIGHT_ONE;

	if (factor == WEIGHT_ONE && multiplier == WEIGHT_ONE)
		return flops;
	if (!flops || !factor)
		return 0;
	if (factor != WEIGHT_ONE)
		multiplier = multiplier == UINT64_MAX ? multiplier : scaled_wide(multiplier, factor);
	if (multiplier == UINT64_MAX) {
		*saturated = true;
		return INT64_MAX;
	}
	return scaled(flops, multiplier, saturated);
}

uint64_t weights_price(const struct routine *routine, struct shape *shape, uint32_t namespace_id, struct price *price)
{
	return weights_price_inline(routine, shape, families[routine->family].option_count, namespace_id, price);
}

static void __attribute__((noreturn))
stop(const char *path, unsigned line, const char *what, const char *word, size_t length)
{
	guest_say(VARIABLE(WEIGHTS) ": %s:%u: %s: '%.*s'", path, line, what, (int)length, word);
	machine_exit(2);
}

static bool name_matches(const struct routine *routine, const char *name, size_t length)
{
	const char *family = families[routine->family].name;

	if (length == 6 && !memcmp(name, "type:", 5))
		return routine->type == (unsigned char)name[5];
	if (length == 16 && !memcmp(name, "precision:single", 16))
		return routine->type == TYPE_S || routine->type == TYPE_C;
	if (length == 16 && !memcmp(name, "precision:double", 16))
		return routine->type == TYPE_D || routine->type == TYPE_Z;
	if (strlen(routine->name) == length && !memcmp(routine->name, name, length))
		return true;
	for (;;) {
		size_t part = strcspn(family, "/");

		if (part == length && !memcmp(family, name, length))
			return true;
		if (!family[part])
			return false;
		family += part + 1;
	}
}

static bool is_known(const char *name, size_t length)
{
	for (unsigned i = 0; i < routine_count; i++)
		if (name_matches(&routines[i], name, length))
			return true;
	return false;
}

static size_t cut_before(char *text, size_t length, size_t count)
{
	memmove(text, text + count, length - count);
	return length - count;
}

/*
 * Makes the table's name of a symbol: in small letters, without the marks that the schemes of names and the interfaces
 * of C put before and behind it. Returns the length of the name in `meant`, or 0 if the table does not have it.
 */
static size_t meant_find(char meant[static SYMBOL_MAX], const char *name, size_t length)
{
	static const char *const before[] = {"scipy_", "cblas_", "lapacke_"}, *const behind[] = {"_64_", "_64", "64_",
	                                                                                         "_", "_work"};

	if (length >= SYMBOL_MAX)
		return 0;
	for (size_t i = 0; i < length; i++)
		meant[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
	for (unsigned i = 0; i < sizeof(before) / sizeof(before[0]); i++)
		if (length > strlen(before[i]) && !memcmp(meant, before[i], strlen(before[i])))
			length = cut_before(meant, length, strlen(before[i]));
	for (unsigned i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
		size_t end = strlen(behind[i]);

		if (length > end && !memcmp(meant + length - end, behind[i], end)) {
			length -= end;
		}
	}
	return is_known(meant, length) ? length : 0;
}

static void __attribute__((noreturn)) stop_unknown(const char *path, unsigned line, const char *name, size_t length)
{
	static const char unknown[] = "no such routine, family, type or precision";
	char meant[SYMBOL_MAX];
	size_t found = meant_find(meant, name, length);

	if (!found)
		stop(path, line, unknown, name, length);
	guest_say(VARIABLE(WEIGHTS) ": %s:%u: %s: '%.*s'; did you mean \"%.*s\"?", path, line, unknown, (int)length,
	          name, (int)found, meant);
	machine_exit(2);
}

static void weigh(const char *path, unsigned line, const char *name, size_t length, uint64_t factor)
{
	bool found = false, saturated = false;

	for (unsigned i = 0; i < routine_count; i++)
		if (name_matches(&routines[i], name, length)) {
			weights_factors[i] =
				weights_factors[i] && factor ? scaled(weights_factors[i], factor, &saturated) : 0;
			found = true;
		}
	if (!found)
		stop_unknown(path, line, name, length);
	if (saturated)
		stop(path, line, "the product of the factors is too large", name, length);
}

static const char *skip_blank(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
		at++;
	return at;
}

static const char *word_end(const char *at, const char *end)
{
	while (at < end && *at != ' ' && *at != '\t' && *at != '\r' && *at != '#')
		at++;
	return at;
}

static void read_line(const char *path, unsigned line, const char *at, const char *end)
{
	const char *name = skip_blank(at, end), *name_end = word_end(name, end);
	const char *number = skip_blank(name_end, end), *number_end = word_end(number, end);
	const char *rest = skip_blank(number_end, end), *fault;
	uint64_t factor;

	if (name == end || *name == '#')
		return;
	if (number == number_end)
		stop(path, line, "expected NAME FACTOR", name, (size_t)(name_end - name));
	if (rest < end && *rest != '#')
		stop(path, line, "expected one factor", rest, (size_t)(end - rest));
	fault = config_factor(number, number_end, true, &factor);
	if (fault)
		stop(path, line, fault, number, (size_t)(number_end - number));
	weigh(path, line, name, (size_t)(name_end - name), factor);
}

static void __attribute__((noreturn)) stop_without(const char *path, const char *why)
{
	bool relative = *path != '/' && config.directory[0];

	guest_say(VARIABLE(WEIGHTS) ": cannot read %s%s%s: %s", path, relative ? " in " : "",
	          relative ? config.directory : "", why);
	machine_exit(2);
}

/* ---- where the lines come from ---- */

/* An open file of weights. */
struct source {
	const char *path; /* as it was given */
	int file;
	struct stat status;
	char name[PATH_MAX]; /* the file's path as the kernel knows it */
};

/* Opens without waiting: a FIFO that nobody writes to would hold up every program. */
static void source_open(struct source *source, const char *path)
{
	char link[32];
	ssize_t length;
	size_t end = 0;

	source->path = path;
	source->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (source->file < 0 || fstat(source->file, &source->status))
		stop_without(path, strerrordesc_np(errno));
	guest_print(link, sizeof(link), &end, "/proc/self/fd/%d", source->file);
	length = readlink(link, source->name, sizeof(source->name) - 1);
	source->name[length > 0 ? length : 0] = 0;
	if (S_ISFIFO(source->status.st_mode) && strncmp(source->name, "pipe:", strlen("pipe:")))
		stop_without(path, "it is a named pipe, which only one process could read; expected a regular file");
	if (!S_ISREG(source->status.st_mode) && !S_ISFIFO(source->status.st_mode))
		stop_without(path, "it is no regular file");
}

/* Reads the next bytes, waiting for those of a pipe. Returns -1, with errno, on an error. */
static ssize_t source_read(const struct source *source, char *to, size_t size)
{
	struct pollfd wait = {.fd = source->file, .events = POLLIN};
	ssize_t got = read(source->file, to, size);

	while (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (!poll(&wait, 1, PATIENCE_MS))
			stop_without(source->path, "it is a pipe, and nothing came out of it for 10 seconds");
		got = read(source->file, to, size);
	}
	return got;
}

static size_t source_text(const struct source *source, char *text)
{
	size_t length = 0, most = S_ISFIFO(source->status.st_mode) ? PASSED_MAX : FILE_MAX;
	ssize_t got = 1;

	for (; got > 0 && length<most; length += got> 0 ? (size_t)got : 0)
		got = source_read(source, text + length, most - length);
	if (got < 0)
		stop_without(source->path, strerrordesc_np(errno));
	if (length == most)
		stop_without(source->path, most == FILE_MAX
		                                   ? "it is larger than 1 MiB"
		                                   : "it is a pipe, and more than 100,000 bytes came out of it");
	if (!length && S_ISFIFO(source->status.st_mode))
		stop_without(source->path,
		             "it is a pipe, and empty: another process has read it, or nobody wrote to it");
	return length;
}

/*
 * Passes the weights on to the programs that this process starts, which may run in another directory and with other
 * descriptors. They get the file's own path where the given one leads there from this process alone, and the lines
 * where those came out of a pipe and cannot be read again.
 */
static void pass_on(const struct source *source, const char *text, size_t length)
{
	char *entry = guest_pages(PASSED_MAX + PATH_MAX);
	bool lines = S_ISFIFO(source->status.st_mode);
	struct stat found;
	size_t end = 0;

	if (!entry)
		stop_without(source->path, "no memory");
	guest_print(entry, PASSED_MAX + PATH_MAX, &end, VARIABLE(WEIGHTS) "=%.*s%s", lines ? (int)length : PATH_MAX,
	            lines ? text : source->name, lines ? "\n" : "");
	if (lines || (!stat(source->name, &found) && found.st_dev == source->status.st_dev &&
	              found.st_ino == source->status.st_ino))
		config_pass_on(entry);
	else
		guest_free(entry, PASSED_MAX + PATH_MAX);
}

/* Whether a path leads to the same file from every process. */
static bool is_for_all(const char *path)
{
	return *path == '/' && strncmp(path, "/dev/", strlen("/dev/")) && strncmp(path, "/proc/", strlen("/proc/"));
}

static void read_lines(const char *path, const char *text, const char *end)
{
	for (unsigned i = 0; i < routine_count; i++)
		weights_factors[i] = WEIGHT_ONE;
	for (unsigned line = 1; text < end; line++) {
		const char *stop_at = memchr(text, '\n', (size_t)(end - text));

		read_line(path, line, text, stop_at ? stop_at : end);
		text = stop_at ? stop_at + 1 : end;
	}
}

static void read_source(const char *path)
{
	static struct source source; /* too large for the program's stack */
	char *text = guest_pages(FILE_MAX);
	size_t length;

	if (!text)
		stop_without(path, "no memory");
	source_open(&source, path);
	length = source_text(&source, text);
	read_lines(path, text, text + length);
	if (!is_for_all(path))
		pass_on(&source, text, length);
	close(source.file);
	guest_free(text, FILE_MAX);
}

void weights_start(const char *given)
{
	weights_factors = guest_pages(ROUTINE_COUNT * sizeof(*weights_factors));
	if (!weights_factors)
		stop_without(given, "no memory");
	if (strchr(given, '\n'))
		read_lines("its text", given, given + strlen(given));
	else
		read_source(given);
}
