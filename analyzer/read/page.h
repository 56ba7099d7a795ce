/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * page.h - the dump in a page that `flopshim-report html` has written.
 * It must never run or interpret the page: it finds the data, and nothing else.
 */
#ifndef ANALYZER_READ_PAGE_H
#define ANALYZER_READ_PAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Why a page has no dump to read. The values are none of errno's. */
enum page_error {
	PAGE_WITHOUT_DATA = 1 << 16,
	PAGE_CUT,
	PAGE_DAMAGED,
	PAGE_NEWER,
	PAGE_WITHOUT_ZLIB,
	PAGE_SEVERAL,
	PAGE_TOO_LARGE,
	PAGE_ERROR_END
};

/* Returns a text for an enum page_error; NULL for any other number. */
const char *page_why(int error);

/* Whether an enum page_error, or any other number, says that the page itself is wrong, and no other program could read it. */
bool page_is_wrong(int error);

enum { PAGE_BEGIN_BYTES = 16 }; /* how many bytes page_is needs */

/* Whether a file that begins with these bytes is a page. */
bool page_is(const void *bytes, size_t size);

/* Sets *dump to the bytes of the dump in a page, to be freed, and *length. Returns 0, or an enum page_error. */
int page_dump(const void *html, size_t size, unsigned char **dump, size_t *length);

#endif
