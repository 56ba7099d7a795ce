/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * page.c - takes the dump out of a page: from base64 by inflating and unpacking.
 * It must never believe a size in the page before it has looked whether there are so many bytes.
 */
#include "analyzer/read/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyzer/base/base64.h"
#include "analyzer/base/deflate.h"
#include "analyzer/base/page_data.h"
#include "analyzer/read/pack.h"

/* What the data of a page may unpack to: so many bytes, or so many times their size, whichever is more. */
enum { UNPACKED_BYTES = 256 << 20, UNPACKED_RATIO = 64 };

_Static_assert(sizeof PAGE_BEGIN - 1 <= PAGE_BEGIN_BYTES, "page_is compares all of it");

const char *page_why(int error)
{
	static const char *const texts[] = {
		[PAGE_WITHOUT_DATA - PAGE_WITHOUT_DATA] =
			"an HTML page, but none with a dump that 'flopshim-report html' wrote",
		[PAGE_CUT - PAGE_WITHOUT_DATA] = "the page is cut: its data do not end",
		[PAGE_DAMAGED - PAGE_WITHOUT_DATA] = "the page is damaged: its data cannot be unpacked",
		[PAGE_NEWER - PAGE_WITHOUT_DATA] =
			"a later version of flopshim-report has written the page, and is needed to read it",
		[PAGE_WITHOUT_ZLIB - PAGE_WITHOUT_DATA] =
			"this program was built without zlib, which reading a page needs",
		[PAGE_SEVERAL - PAGE_WITHOUT_DATA] = "several pages in one file: expected a file for each",
		[PAGE_TOO_LARGE - PAGE_WITHOUT_DATA] = "the page is damaged: its data unpack to more than 256 MiB, and "
						       "more than 64 times their size, which "
						       "those of no run do",
	};

	return error >= PAGE_WITHOUT_DATA && error < PAGE_ERROR_END ? texts[error - PAGE_WITHOUT_DATA] : NULL;
}

bool page_is_wrong(int error) { return page_why(error) && error != PAGE_NEWER && error != PAGE_WITHOUT_ZLIB; }

bool page_is(const void *bytes, size_t size)
{
	return size >= sizeof PAGE_BEGIN - 1 && !strncasecmp(bytes, PAGE_BEGIN, sizeof PAGE_BEGIN - 1);
}

/* Finds the packed dump in inflated data. Returns 0, or an enum page_error. */
static int find_packed(const char *data, size_t size, const char **packed, size_t *length)
{
	const char *head, *body;
	uint64_t at, bytes;

	if (strncmp(data, PAGE_DATA_NAME, sizeof PAGE_DATA_NAME - 1))
		return PAGE_DAMAGED;
	if (strncmp(data, PAGE_DATA_BEGIN, sizeof PAGE_DATA_BEGIN - 1))
		return PAGE_NEWER;
	head = data + sizeof PAGE_DATA_BEGIN - 1;
	body = strchr(head, '\n');
	if (!body || sscanf(head, "{\"dump\":{\"at\":%" SCNu64 ",\"bytes\":%" SCNu64 "}", &at, &bytes) != 2)
		return PAGE_DAMAGED;
	body++;
	size -= (size_t)(body - data);
	if (at > size || bytes > size - at)
		return PAGE_DAMAGED;
	*packed = body + at;
	*length = bytes;
	return 0;
}

int page_dump(const void *html, size_t size, unsigned char **dump, size_t *length)
{
	const char *begin = memmem(html, size, PAGE_DATA_TAG, sizeof PAGE_DATA_TAG - 1), *end, *packed;
	const char *html_end = (const char *)html + size;
	unsigned char *small, *data = NULL;
	size_t small_size, data_size = 0, packed_size, most = 0;
	int error;

	if (!begin)
		return PAGE_WITHOUT_DATA;
	begin += sizeof PAGE_DATA_TAG - 1;
	end = memchr(begin, '<', (size_t)(html_end - begin));
	if (!end)
		return PAGE_CUT;
	if (memmem(end, (size_t)(html_end - end), PAGE_DATA_TAG, sizeof PAGE_DATA_TAG - 1))
		return PAGE_SEVERAL;
	if (deflate_missing())
		return PAGE_WITHOUT_ZLIB;
	small = base64_decode(begin, (size_t)(end - begin), &small_size);
	if (small) {
		most = small_size > UNPACKED_BYTES / UNPACKED_RATIO ? UNPACKED_RATIO * small_size : UNPACKED_BYTES;
		data = inflate_bytes(small, small_size, most, &data_size);
	}
	free(small);
	if (data)
		error = find_packed((const char *)data, data_size, &packed, &packed_size);
	else
		error = data_size > most ? PAGE_TOO_LARGE : PAGE_DAMAGED;
	if (!error) {
		*dump = unpack_dump(packed, packed_size, length);
		error = *dump ? 0 : PAGE_DAMAGED;
	}
	free(data);
	return error;
}
