/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * number.c - arithmetic on 128-bit counts, and numbers as text.
 * It must never wrap around: a result that does not fit is the largest number.
 */
#include "analyzer/base/number.h"

#include <stdio.h>
#include <string.h>

/*
 * Returns a * b / c, rounded down, for a < c and a product that does not fit in 128 bits. It is long division in binary,
 * which adds `a` for each binary digit of b that is 1, from the highest digit down: quotient * c + rest is always a times
 * those digits of b that have been used.
 */
static u128 scale_down(u128 a, u128 b, u128 c)
{
	u128 quotient = 0, rest = 0; /* rest < c throughout */

	for (int digit = 127; digit >= 0; digit--) {
		u128 carry = rest >= c - rest;

		rest = carry ? rest - (c - rest) : rest + rest;
		quotient = 2 * quotient + carry;
		if (!(b >> digit & 1))
			continue;
		carry = rest >= c - a;
		rest = carry ? rest - (c - a) : rest + a;
		quotient += carry;
	}
	return quotient;
}

u128 u128_scale(u128 a, u128 b, u128 c)
{
	u128 whole = a / c, rest = a % c, product;

	if (b && whole > U128_MAX / b)
		return U128_MAX;
	return u128_add(whole * b, __builtin_mul_overflow(rest, b, &product) ? scale_down(rest, b, c) : product / c);
}

char *number_exact(u128 value, char text[NUMBER_TEXT])
{
	char digits[NUMBER_TEXT];
	char *digit = digits + sizeof digits;

	*--digit = 0;
	do
		*--digit = (char)('0' + (int)(value % 10));
	while (value /= 10);
	return memcpy(text, digit, (size_t)(digits + sizeof digits - digit));
}

char *number_grouped(u128 value, char text[NUMBER_TEXT])
{
	char digits[NUMBER_TEXT];
	size_t length = strlen(number_exact(value, digits)), at = 0;

	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = 0;
	return text;
}

char *number_short(u128 value, char text[NUMBER_TEXT])
{
	static const char prefixes[] = " kMGTPEZYRQ";
	unsigned length = (unsigned)strlen(number_exact(value, text)), before;
	u128 unit = 1;
	unsigned digits;

	if (length <= 4)
		return text;
	for (unsigned i = 4; i < length; i++)
		unit *= 10;
	digits = (unsigned)(value / unit + (value % unit >= unit - value % unit));
	if (digits == 10000) {
		digits = 1000;
		length++;
	}
	if (length > 3 * (sizeof prefixes - 1)) {
		snprintf(text, NUMBER_TEXT, "%u.%03ue%u", digits / 1000, digits % 1000, length - 1);
		return text;
	}
	before = (length - 1) % 3 + 1; /* digits before the point */
	snprintf(text, NUMBER_TEXT, "%.*f %c", (int)(4 - before),
	         digits / (before == 1   ? 1000.0
	                   : before == 2 ? 100.0
	                                 : 10.0),
	         prefixes[(length - 1) / 3]);
	return text;
}

char *number_time(double ns, char text[NUMBER_TEXT])
{
	static const struct {
		double limit, unit;
		const char *name;
	} units[] = {
		{1e3, 1, "ns"}, {1e6, 1e3, "us"}, {1e9, 1e6, "ms"}, {1000e9, 1e9, "s"}, {0, 3600e9, "h"},
	};
	unsigned i = 0;
	double shown;

	while (units[i].limit != 0 && ns >= units[i].limit)
		i++;
	shown = ns / units[i].unit;
	snprintf(text, NUMBER_TEXT, "%.*f %s", shown < 10 ? 2 : shown < 100 ? 1 : 0, shown, units[i].name);
	return text;
}
