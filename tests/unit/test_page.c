/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_page.c - tests how a page holds a dump: base64, numbers of few bytes, packing, and the way back from a page, whole or
 * damaged in any byte.
 * It must never take the result of one function as what another must give, except for the way there and back.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/base64.h"
#include "analyzer/base/deflate.h"
#include "analyzer/base/leb128.h"
#include "analyzer/base/page_data.h"
#include "analyzer/read/pack.h"
#include "analyzer/read/page.h"
#include "example_dump.h"
#include "run_suite.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- base64 ---- */

START_TEST(base64_vectors)
{
	/* from RFC 4648, section 10 */
	static const char *const vectors[][2] = {
		{"", ""},
		{"f", "Zg==\n"},
		{"fo", "Zm8=\n"},
		{"foo", "Zm9v\n"},
		{"foob", "Zm9vYg==\n"},
		{"fooba", "Zm9vYmE=\n"},
		{"foobar", "Zm9vYmFy\n"},
	};

	for (size_t i = 0; i < COUNT(vectors); i++) {
		struct text text = {0};
		unsigned char *bytes;
		size_t size;

		text_add(&text, "");
		base64_add(&text, vectors[i][0], strlen(vectors[i][0]));
		ck_assert_str_eq(text.bytes, vectors[i][1]);
		bytes = base64_decode(text.bytes, text.length, &size);
		ck_assert_ptr_nonnull(bytes);
		ck_assert_uint_eq(size, strlen(vectors[i][0]));
		ck_assert(!memcmp(bytes, vectors[i][0], size));
		free(bytes);
		text_free(&text);
	}
}
END_TEST

START_TEST(base64_lines)
{
	static const char bytes[1000] = {0};
	struct text text = {0};

	base64_add(&text, bytes, sizeof bytes);
	for (const char *line = text.bytes; *line; line = strchr(line, '\n') + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 120);
	text_free(&text);
}
END_TEST

START_TEST(base64_wrong)
{
	static const char *const wrong[] = {
		"Zg=", "Z", "Zg==Zg==", "Z===", "====", "Zm9v!", "Zm-v", "Zm9v\x80", "=Zg="};
	size_t size;

	for (size_t i = 0; i < COUNT(wrong); i++)
		ck_assert_ptr_null(base64_decode(wrong[i], strlen(wrong[i]), &size));
}
END_TEST

/* ---- numbers ---- */

START_TEST(leb128_vectors)
{
	/* from the DWARF standard, figure C.3, and the limits of 64 bits */
	static const struct {
		uint64_t number;
		const char *bytes;
	} vectors[] = {
		{2, "\x02"},       {127, "\x7f"},       {128, "\x80\x01"},
		{129, "\x81\x01"}, {12857, "\xb9\x64"}, {UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
	};
	static const unsigned char too_large[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02";
	const unsigned char *at = too_large;
	uint64_t number;

	for (size_t i = 0; i < COUNT(vectors); i++) {
		struct text text = {0};

		leb128_add(&text, vectors[i].number);
		ck_assert_str_eq(text.bytes, vectors[i].bytes);
		at = (const unsigned char *)text.bytes;
		ck_assert(leb128_take(&at, at + text.length, &number));
		ck_assert_uint_eq(number, vectors[i].number);
		at = (const unsigned char *)text.bytes;
		ck_assert(!leb128_take(&at, at + text.length - 1, &number));
		text_free(&text);
	}
	at = too_large;
	ck_assert(!leb128_take(&at, at + sizeof too_large - 1, &number));
	ck_assert(zigzag(0) == 0 && zigzag((u128)-1) == 1 && zigzag(1) == 2 && zigzag((u128)-2) == 3);
}
END_TEST

/* ---- packing ---- */

static void check_packed(const void *bytes, size_t size)
{
	struct text packed = {0};
	unsigned char *back;
	size_t length;

	pack_dump(&packed, bytes, size);
	back = unpack_dump(packed.bytes, packed.length, &length);
	ck_assert_ptr_nonnull(back);
	ck_assert_uint_eq(length, size);
	ck_assert(!memcmp(back, bytes, size));
	free(back);
	text_free(&packed);
}

START_TEST(pack_any)
{
	struct writer writer;
	uint64_t state = 1;

	example(&writer);
	check_packed(writer.bytes, writer.size);
	check_packed("", 0);
	check_packed("any bytes", 9);
	for (size_t size = 1; size < writer.size; size = size * 3 / 2 + 1)
		check_packed(writer.bytes, size);
	for (unsigned i = 0; i < 2000; i++) { /* damaged dumps */
		unsigned char *byte = &writer.bytes[next_random(&state) % writer.size], before = *byte;

		*byte = (unsigned char)next_random(&state);
		check_packed(writer.bytes, writer.size);
		*byte = before;
	}
	writer_free(&writer);
}
END_TEST

START_TEST(pack_columns)
{
	/* Two entries of two words, and three bytes: words 10 and 12, 5 and 3, with differences 10, 2, 5, -2. */
	static const unsigned char packed[] = {19, 2, 2, 20, 4, 10, 3, 0, 3, 'a', 'b', 'c'};
	static const uint32_t words[] = {10, 5, 12, 3};
	unsigned char *bytes;
	size_t size;

	bytes = unpack_dump(packed, sizeof packed, &size);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_uint_eq(size, 19);
	ck_assert(!memcmp(bytes, words, sizeof words) && !memcmp(bytes + sizeof words, "abc", 3));
	free(bytes);
	for (size_t length = 0; length < sizeof packed; length++)
		ck_assert_ptr_null(unpack_dump(packed, length, &size));
}
END_TEST

START_TEST(pack_hostile)
{
	/* Sizes beyond all memory, and stretches that are longer than the dump. */
	static const unsigned char sizes[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 3, 'a', 'b', 'c'};
	static const unsigned char stretch[] = {4, 0, 5, 'a', 'b', 'c', 'd', 'e'};
	static const unsigned char entries[] = {8, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0};
	static const unsigned char nothing[] = {4, 0, 0, 0, 0};
	uint64_t state = 7;
	size_t size;

	ck_assert_ptr_null(unpack_dump(sizes, sizeof sizes, &size));
	ck_assert_ptr_null(unpack_dump(stretch, sizeof stretch, &size));
	ck_assert_ptr_null(unpack_dump(entries, sizeof entries, &size));
	ck_assert_ptr_null(unpack_dump(nothing, sizeof nothing, &size));
	for (unsigned i = 0; i < 20000; i++) {
		unsigned char bytes[24];

		for (size_t j = 0; j < sizeof bytes; j++)
			bytes[j] = (unsigned char)(next_random(&state) % (j % 2 ? 256 : 6));
		free(unpack_dump(bytes, sizeof bytes, &size));
	}
}
END_TEST

/* ---- pages ---- */

/* A page with these inflated data. */
static struct text page_of(const char *data, size_t size)
{
	struct text html = {0}, small = {0};

	deflate_add(&small, data, size);
	text_add(&html, PAGE_BEGIN "<html><body>" PAGE_DATA_TAG "\n");
	base64_add(&html, small.bytes, small.length);
	text_add(&html, "</script></body></html>");
	text_free(&small);
	return html;
}

/* A page that holds the example dump, packed. */
static struct text example_page(const struct writer *writer)
{
	struct text packed = {0}, data = {0}, html;

	pack_dump(&packed, writer->bytes, writer->size);
	text_format(&data, PAGE_DATA_BEGIN "{\"dump\":{\"at\":3,\"bytes\":%zu},\"meta\":{}}\nabc", packed.length);
	text_add_bytes(&data, packed.bytes, packed.length);
	html = page_of(data.bytes, data.length);
	text_free(&packed);
	text_free(&data);
	return html;
}

static int try(const struct text *html, size_t size)
{
	unsigned char *dump = NULL;
	size_t length;
	int error = page_dump(html->bytes, size, &dump, &length);

	ck_assert((error == 0) == (dump != NULL));
	ck_assert(!error || page_why(error));
	free(dump);
	return error;
}

START_TEST(page_whole)
{
	struct writer writer;
	unsigned char *dump;
	struct text html;
	size_t size;

	if (deflate_missing())
		return;
	example(&writer);
	html = example_page(&writer);
	ck_assert(page_is(html.bytes, PAGE_BEGIN_BYTES) && page_is("<!doctype HTML>\n", PAGE_BEGIN_BYTES));
	ck_assert(!page_is(writer.bytes, PAGE_BEGIN_BYTES) && !page_is("<!DOC", 5));
	ck_assert_int_eq(page_dump(html.bytes, html.length, &dump, &size), 0);
	ck_assert_uint_eq(size, writer.size);
	ck_assert(!memcmp(dump, writer.bytes, size));
	free(dump);
	text_free(&html);
	writer_free(&writer);
}
END_TEST

START_TEST(page_damaged)
{
	struct writer writer;
	struct text html;
	uint64_t state = 3;
	char *tag;

	if (deflate_missing())
		return;
	example(&writer);
	html = example_page(&writer);
	tag = strstr(html.bytes, PAGE_DATA_TAG);
	for (size_t size = 0; size < html.length; size++) {
		bool has_data = size >= (size_t)(tag - html.bytes) + sizeof PAGE_DATA_TAG - 1;
		int error = try(&html, size);

		if (!has_data)
			ck_assert_int_eq(error, PAGE_WITHOUT_DATA);
		else if (memchr(tag + 1, '<', size - (size_t)(tag + 1 - html.bytes)))
			ck_assert_int_eq(error, 0);
		else
			ck_assert_int_eq(error, PAGE_CUT);
	}
	for (unsigned i = 0; i < 3000; i++) {
		char *byte = tag + sizeof PAGE_DATA_TAG - 1 + next_random(&state) % 1000, before = *byte;

		*byte = (char)(32 + next_random(&state) % 95);
		try(&html, html.length);
		*byte = before;
	}
	text_free(&html);
	writer_free(&writer);
}
END_TEST

START_TEST(page_heads)
{
	static const struct {
		const char *data;
		int error;
	} heads[] = {
		{"", PAGE_DAMAGED},
		{"something else", PAGE_DAMAGED},
		{"flopshim-page 2\n{}\n", PAGE_NEWER},
		{"flopshim-page 1\n", PAGE_DAMAGED},
		{"flopshim-page 1\n{}\n", PAGE_DAMAGED},
		{"flopshim-page 1\n{\"dump\":{\"at\":0,\"bytes\":9}}\nabc", PAGE_DAMAGED},
		{"flopshim-page 1\n{\"dump\":{\"at\":18446744073709551615,\"bytes\":2}}\nabc", PAGE_DAMAGED},
		{"flopshim-page 1\n{\"dump\":{\"at\":1,\"bytes\":18446744073709551615}}\nabc", PAGE_DAMAGED},
		{"flopshim-page 1\n{\"dump\":{\"at\":0,\"bytes\":6}}\n\3\0\3abc", 0},
	};

	for (size_t i = 0; i < COUNT(heads) && !deflate_missing(); i++) {
		size_t size = strlen(heads[i].data) + (heads[i].error ? 0 : 5); /* behind a 0 of the packed dump */
		struct text html = page_of(heads[i].data, size);

		ck_assert_int_eq(try(&html, html.length), heads[i].error);
		text_free(&html);
	}
}
END_TEST

START_TEST(inflate_cut)
{
	struct text small = {0};
	size_t length;

	if (deflate_missing())
		return;
	deflate_add(&small, "abcabcabcabc", 12);
	for (size_t size = 0; size < small.length; size++)
		ck_assert_ptr_null(inflate_bytes(small.bytes, size, SIZE_MAX, &length));
	small.bytes[small.length - 1] ^= 1; /* of the check sum */
	ck_assert_ptr_null(inflate_bytes(small.bytes, small.length, SIZE_MAX, &length));
	text_free(&small);
}
END_TEST

/* A page of 260 KB that stands for 257 MiB is refused before all of them are there. */
START_TEST(inflate_too_much)
{
	enum { BYTES = 257 << 20 };
	char *zeros = calloc(1, BYTES);
	struct text small = {0}, html;
	size_t length;

	if (deflate_missing())
		return;
	ck_assert_ptr_nonnull(zeros);
	memcpy(zeros, "flopshim-page 1\n{}\n", 19);
	html = page_of(zeros, BYTES);
	ck_assert_uint_lt(html.length, 1 << 20);
	ck_assert_int_eq(try(&html, html.length), PAGE_TOO_LARGE);
	deflate_add(&small, zeros, 100000);
	ck_assert_ptr_null(inflate_bytes(small.bytes, small.length, 99999, &length));
	ck_assert_uint_gt(length, 99999);
	free(inflate_bytes(small.bytes, small.length, 100000, &length));
	ck_assert_uint_eq(length, 100000);
	text_free(&small);
	text_free(&html);
	free(zeros);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("page");
	TCase *tests = tcase_create("page");

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, base64_vectors);
	tcase_add_test(tests, base64_lines);
	tcase_add_test(tests, base64_wrong);
	tcase_add_test(tests, leb128_vectors);
	tcase_add_test(tests, pack_any);
	tcase_add_test(tests, pack_columns);
	tcase_add_test(tests, pack_hostile);
	tcase_add_test(tests, page_whole);
	tcase_add_test(tests, page_damaged);
	tcase_add_test(tests, page_heads);
	tcase_add_test(tests, inflate_cut);
	tcase_add_test(tests, inflate_too_much);
	suite_add_tcase(suite, tests);
	return run_suite(suite, CK_FORK);
}
