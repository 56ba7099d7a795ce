/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * weights.c - what a call is charged. The file has one `NAME FACTOR` a line, `#` starts a comment; a name is a
 * routine (dgemm), a family (gemm), a type (type:s, type:d, type:c, type:z) or a precision (precision:single,
 * precision:double). The factors of all that match are multiplied. It must never use floating point: factors are
 * fixed-point numbers with 32 fractional bits.
 */
#include "shim/charge/weights.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "variables.h"
#include "symbols.h"

enum { FILE_MAX = 1 << 20 };

uint64_t *weights_factors;

/* The product of a number and a factor, rounded; UINT64_MAX where it does not fit. */
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

/* The same, where 63 bits are to be enough. */
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

static void __attribute__((noreturn)) stop(const char *path, unsigned line, const char *what, const char *word,
					   size_t length)
{
	guest_say(VARIABLE(WEIGHTS) ": %s:%u: %s: '%.*s'", path, line, what, (int)length, word);
	_exit(2);
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

static void weigh(const char *path, unsigned line, const char *name, size_t length, uint64_t factor)
{
	bool found = false, saturated = false;

	for (unsigned i = 0; i < routine_count; i++)
		if (name_matches(&routines[i], name, length)) {
			weights_factors[i] = weights_factors[i] && factor ? scaled(weights_factors[i], factor, &saturated) : 0;
			found = true;
		}
	if (!found)
		stop(path, line, "no such routine, family, type or precision", name, length);
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

void weights_start(const char *path)
{
	char *text = guest_pages(FILE_MAX);
	ssize_t length = 0, got;
	unsigned line = 1;
	int file = open(path, O_RDONLY | O_CLOEXEC);

	weights_factors = guest_pages(ROUTINE_COUNT * sizeof(*weights_factors));
	if (!text || !weights_factors) {
		guest_say(VARIABLE(WEIGHTS) ": no memory to read %s", path);
		_exit(2);
	}
	if (file < 0) {
		guest_say(VARIABLE(WEIGHTS) ": cannot read %s: %s", path, strerrordesc_np(errno));
		_exit(2);
	}
	while ((got = read(file, text + length, (size_t)(FILE_MAX - length))) > 0)
		length += got;
	close(file);
	if (got < 0 || length == FILE_MAX) {
		guest_say(VARIABLE(WEIGHTS) ": %s: %s", path, got < 0 ? strerrordesc_np(errno) : "larger than 1 MiB");
		_exit(2);
	}
	for (unsigned i = 0; i < routine_count; i++)
		weights_factors[i] = WEIGHT_ONE;
	for (const char *at = text, *end = text + length; at < end; line++) {
		const char *stop_at = memchr(at, '\n', (size_t)(end - at));

		read_line(path, line, at, stop_at ? stop_at : end);
		at = stop_at ? stop_at + 1 : end;
	}
	guest_free(text, FILE_MAX);
}
