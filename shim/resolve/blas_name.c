/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blas_name.c - recognizes names that look like routines of BLAS or LAPACK by their form.
 * It must never take an ordinary function's name for one, since the user is told of each.
 */
#include "shim/resolve/blas_name.h"

#include <stddef.h>
#include <string.h>

#include "symbols.h"

enum {
	STEM_MAX = 64,   /* longer names are never a routine's */
	KNOWN_MIN = 6,   /* letters that a known name needs if a new one may extend it: fewer begin ordinary words */
	LETTERS_MAX = 2, /* letters that a new name may add to a known one: dsyr2k, dsyr2kx */
};

#define EXCLUDED(pattern, reason) pattern,
static const char *const exclusions[] = {EACH_EXCLUSION(EXCLUDED)};
#undef EXCLUDED

static bool is_lower(char letter) { return letter >= 'a' && letter <= 'z'; }
static bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

/* Whether a name matches a pattern of the shell, with `?` and `*` alone. */
static bool matches(const char *pattern, const char *name)
{
	const char *star = NULL, *again = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = pattern++;
			again = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star + 1;
			name = ++again;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* Whether the table excludes this name, which has no marks. */
static bool is_excluded(const char *bare)
{
	for (size_t i = 0; i < sizeof(exclusions) / sizeof(*exclusions); i++)
		if (matches(exclusions[i], bare))
			return true;
	return false;
}

static bool begins(const char *name, const char *start) { return !strncmp(name, start, strlen(start)); }

/* Whether the name has only small letters, digits and underscores. */
static bool is_plain(const char *name)
{
	for (; *name; name++)
		if (!is_lower(*name) && !is_digit(*name) && *name != '_')
			return false;
	return true;
}

/*
 * Cuts the mark of 64-bit integers and Fortran's underscore off a name. False for a Fortran name without an
 * underscore.
 */
static bool cut_marks(char *name, size_t length, bool is_c)
{
	static const char *const marks[] = {"_64_", "64_", "_64", "_"};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		size_t size = strlen(marks[i]);

		if (length <= size || strcmp(name + length - size, marks[i]) || (!is_c && marks[i][size - 1] != '_'))
			continue;
		name[length - size] = 0;
		return true;
	}
	return is_c;
}

/*
 * Whether a name begins with a type, a kind of matrix (ge, tg) and a letter that follows that kind in names of LAPACK
 * but not in ordinary words: dtgsen looks like a routine, dtgrid and dtfunc do not. Any letter may follow ge, so
 * words such as get and generate are excluded, except for what LAPACK has: getrf, getc2, getsls.
 */
static bool has_matrix_kind(const char *bare)
{
	static const struct {
		const char *kind, *next; /* letters that may follow; NULL: any */
	} kinds[] = {
		{"ge", NULL},    {"gg", "beghlqrs"}, {"gb", "bcelmrst"}, {"gt", "cst"}, {"hb", "egmt"}, {"hf", "r"},
		{"hgeqz", NULL}, {"tz", "r"},        {"tg", "esx"},      {"tf", "st"},  {"pf", "t"},    {"pb", "cerst"},
	};

	if (begins(bare + 1, "gen") || begins(bare + 1, "geo") || begins(bare + 1, "gest") ||
	    (begins(bare + 1, "get") && !strchr("rfcs", bare[4])))
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (begins(bare + 1, kinds[i].kind) && bare[3] && bare[4] && bare[5])
			return is_lower(bare[3]) && (!kinds[i].next || strchr(kinds[i].next, bare[3]));
	return false;
}

/*
 * Whether the name is that of a known routine with up to LETTERS_MAX letters more, or with a digit or an underscore and
 * anything behind that.
 */
static bool goes_on_from_known(const char *bare, bool (*is_served)(const char *name))
{
	char known[STEM_MAX + 2];
	size_t length = strlen(bare);

	for (size_t cut = length - 1; cut >= KNOWN_MIN; cut--) {
		if (is_lower(bare[cut]) && length - cut > LETTERS_MAX)
			continue;
		memcpy(known, bare, cut);
		strcpy(known + cut, "_");
		if (is_served(known))
			return true;
	}
	return false;
}

/* Such a name is a letter for the type and a word that describes many a function. */
bool blas_name_is_ordinary(const char *routine)
{
	static const char *const words[] = {"sum", "max", "min", "amax", "amin", "copy", "swap", "rot"};
	const char *word = routine + (begins(routine, "sc") || begins(routine, "dz") ? 2 : 1);

	for (size_t i = 0; *routine && i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(routine + 1, words[i]) || !strcmp(word, words[i]))
			return true;
	return *routine == 'i' && (begins(routine + 2, "max") || begins(routine + 2, "min")) && !routine[5];
}

bool blas_name_is_excluded(const char *name)
{
	char bare[STEM_MAX];
	size_t length = strlen(name);

	if (length >= sizeof(bare))
		return false;
	memcpy(bare, name, length + 1);
	cut_marks(bare, length, true);
	return is_excluded(bare);
}

bool blas_name_is_unserved(const char *name, bool (*is_served)(const char *name))
{
	bool is_lapacke, is_c;
	char bare[STEM_MAX];
	size_t length;

	name += begins(name, "scipy_") ? strlen("scipy_") : 0;
	is_lapacke = begins(name, "LAPACKE_");
	is_c = is_lapacke || begins(name, "cblas_");
	length = strlen(name);
	if ((!is_c && !strchr("sdcz", *name)) || length < 6 || length >= sizeof(bare) ||
	    !is_plain(name + (is_lapacke ? strlen("LAPACKE_") : 0)))
		return false;
	memcpy(bare, name, length + 1);
	if (!cut_marks(bare, length, is_c) || strlen(bare) < 5 || is_excluded(bare) || is_served(name))
		return false;
	if (is_lapacke)
		return bare[strlen("LAPACKE_")] && strchr("sdcz", bare[strlen("LAPACKE_")]);
	if (is_c)
		return bare[strlen("cblas_")] != 0;
	return has_matrix_kind(bare) || goes_on_from_known(bare, is_served);
}
