/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * assemble.c - puts page.html, the style sheets and the scripts together into C, with a policy that allows these and nothing
 * else; runs where flopshim is built.
 * It must never change what a line of style or script says. It leaves out comments and indentation, which every page would
 * hold again, a sixth of all bytes.
 *
 * usage: assemble page.html FILE.css ... FILE.js ... > template.c
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGEST_WORDS = 8, BLOCK_BYTES = 64 };

struct bytes {
	char *at;
	size_t size;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "assemble: %s: %s\n", what, why);
	exit(1);
}

static void append(struct bytes *bytes, const char *more, size_t size)
{
	bytes->at = realloc(bytes->at, bytes->size + size + 1);
	if (!bytes->at)
		fail("memory", "there is not enough");
	memcpy(bytes->at + bytes->size, more, size);
	bytes->size += size;
	bytes->at[bytes->size] = 0;
}

static void append_text(struct bytes *bytes, const char *more) { append(bytes, more, strlen(more)); }

static void append_file(struct bytes *bytes, const char *path)
{
	FILE *stream = fopen(path, "rb");
	char part[10000];
	size_t size;

	if (!stream)
		fail(path, "cannot be read");
	while ((size = fread(part, 1, sizeof part, stream)))
		append(bytes, part, size);
	fclose(stream);
	if (strlen(bytes->at) != bytes->size)
		fail(path, "has a byte that is 0");
}

/* SHA-256, as FIPS 180-4 describes it. */

static uint32_t rotated(uint32_t word, unsigned bits) { return word >> bits | word << (32 - bits); }

/* The first 32 bits of the fractional part of a root, of the exponent 1/2 or 1/3, of a prime number. */
static uint32_t root_bits(unsigned prime, unsigned exponent)
{
	/* Finds the largest integer whose power is no more than prime * 2^(32 * exponent), bit by bit. */
	unsigned __int128 target = (unsigned __int128)prime << 32 * exponent, root = 0;

	for (int bit = 36; bit >= 0; bit--) {
		unsigned __int128 more = root | (unsigned __int128)1 << bit, power = more;

		for (unsigned i = 1; i < exponent; i++)
			power *= more;
		if (power <= target)
			root = more;
	}
	return (uint32_t)root;
}

static unsigned next_prime(unsigned number)
{
	for (;;) {
		unsigned divisor = 2;

		number++;
		while (number % divisor)
			divisor++;
		if (divisor == number)
			return number;
	}
}

static void hash_block(uint32_t state[DIGEST_WORDS], const uint32_t constants[BLOCK_BYTES], const unsigned char *block)
{
	uint32_t words[BLOCK_BYTES], now[DIGEST_WORDS];

	for (unsigned i = 0; i < 16; i++)
		words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		           (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (unsigned i = 16; i < BLOCK_BYTES; i++) {
		uint32_t a = words[i - 15], b = words[i - 2];

		words[i] = words[i - 16] + (rotated(a, 7) ^ rotated(a, 18) ^ a >> 3) + words[i - 7] +
		           (rotated(b, 17) ^ rotated(b, 19) ^ b >> 10);
	}
	memcpy(now, state, sizeof now);
	for (unsigned i = 0; i < BLOCK_BYTES; i++) {
		uint32_t e = now[4], a = now[0];
		uint32_t first = now[7] + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) +
		                 ((e & now[5]) ^ (~e & now[6])) + constants[i] + words[i];
		uint32_t second = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) +
		                  ((a & now[1]) ^ (a & now[2]) ^ (now[1] & now[2]));

		memmove(now + 1, now, sizeof now - sizeof *now);
		now[4] += first;
		now[0] = first + second;
	}
	for (unsigned i = 0; i < DIGEST_WORDS; i++)
		state[i] += now[i];
}

static void hash(const struct bytes *bytes, unsigned char digest[4 * DIGEST_WORDS])
{
	size_t padded = (bytes->size + 8) / BLOCK_BYTES * BLOCK_BYTES + BLOCK_BYTES;
	unsigned char *message = calloc(1, padded);
	uint32_t state[DIGEST_WORDS], constants[BLOCK_BYTES];

	if (!message)
		fail("memory", "there is not enough");
	for (unsigned i = 0, prime = 2; i < BLOCK_BYTES; i++, prime = next_prime(prime)) {
		constants[i] = root_bits(prime, 3);
		if (i < DIGEST_WORDS)
			state[i] = root_bits(prime, 2);
	}
	memcpy(message, bytes->at, bytes->size);
	message[bytes->size] = 0x80;
	for (unsigned i = 0; i < 8; i++)
		message[padded - 1 - i] = (unsigned char)((uint64_t)bytes->size * 8 >> 8 * i);
	for (size_t at = 0; at < padded; at += BLOCK_BYTES)
		hash_block(state, constants, message + at);
	for (unsigned i = 0; i < 4 * DIGEST_WORDS; i++)
		digest[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
	free(message);
}

/* Appends how a policy names the only style or script that it allows. */
static void append_source(struct bytes *bytes, const struct bytes *source)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char digest[4 * DIGEST_WORDS + 1] = {0}; /* with a 0 that completes the last group */

	hash(source, digest);
	append_text(bytes, "'sha256-");
	for (unsigned i = 0; i < sizeof digest; i += 3) {
		uint32_t group = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | digest[i + 2];
		char text[4];

		for (unsigned j = 0; j < 4; j++)
			text[j] = letters[group >> (18 - 6 * j) & 63];
		append(bytes, text, i + 3 == sizeof digest ? 3 : 4);
	}
	append_text(bytes, "='");
}

/* Replaces a marker, which must be there once. */
static void replace(struct bytes *page, const char *path, const char *marker, const struct bytes *by)
{
	char *at = strstr(page->at, marker);
	struct bytes result = {0};

	if (!at || strstr(at + 1, marker)) {
		fprintf(stderr, "assemble: %s: expected %s once\n", path, marker);
		exit(1);
	}
	append(&result, page->at, (size_t)(at - page->at));
	append(&result, by->at, by->size);
	append_text(&result, at + strlen(marker));
	free(page->at);
	*page = result;
}

/* Writes one line of C for each line of the piece. */
static void write_piece(const char *begin, const char *end, const char *then)
{
	fputs("\t{\"", stdout);
	for (const char *at = begin; at < end; at++) {
		if (*at == '\n')
			fputs(at + 1 < end ? "\\n\"\n\t \"" : "\\n", stdout);
		else if (*at == '"' || *at == '\\' || *at == '?') /* two ? may begin a trigraph */
			printf("\\%c", *at);
		else if (*at >= ' ' && *at < 0x7f)
			putchar(*at);
		else
			printf("\\%03o", (unsigned char)*at);
	}
	printf("\", %zu, %s},\n", (size_t)(end - begin), then);
}

static void write_template(const struct bytes *page, const char *path)
{
	static const struct {
		const char *marker, *part;
	} parts[] = {
		{"<!--TITLE-->", "TEMPLATE_TITLE"},
		{"<!--STATIC-->", "TEMPLATE_STATIC"},
		{"<!--DATA-->", "TEMPLATE_DATA"},
	};
	const char *at = page->at;

	puts("/* Made of the files in analyzer/render/html by assemble. */\n"
	     "#include \"analyzer/render/html/template.h\"\n\n"
	     "const struct template_piece template_pieces[] = {");
	for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
		const char *found = strstr(at, parts[i].marker);

		if (!found)
			fail(path, "expected <!--TITLE-->, <!--STATIC--> and <!--DATA-->, in this order");
		write_piece(at, found, parts[i].part);
		at = found + strlen(parts[i].marker);
	}
	write_piece(at, page->at + page->size, "TEMPLATE_END");
	puts("\t{NULL, 0, TEMPLATE_END},\n};");
}

/* Appends a line of a style sheet without the spaces that mean nothing there: behind { ; : , and before { and }. */
static void append_rule(struct bytes *bytes, const char *line, size_t size)
{
	int quoted = 0;

	for (size_t i = 0; i < size; i++) {
		quoted ^= line[i] == '"';
		if (line[i] == ' ' && !quoted &&
		    ((i && strchr("{;:,", line[i - 1])) || (i + 1 < size && strchr("{}", line[i + 1]))))
			continue;
		append(bytes, line + i, 1);
	}
}

/* Appends the lines of a style sheet or script: not those of comments that have lines of their own, and not their indentation. */
static void append_lines(struct bytes *bytes, const char *path,
                         void (*append_line)(struct bytes *, const char *, size_t))
{
	struct bytes file = {0};
	int in_comment = 0;

	append_text(&file, "");
	append_file(&file, path);
	for (const char *line = file.at, *next; *line; line = next) {
		const char *end = strchr(line, '\n');
		size_t size;

		end = end ? end : file.at + file.size;
		next = *end ? end + 1 : end;
		line += strspn(line, "\t");
		size = (size_t)(end - line);
		in_comment |= size >= 2 && !memcmp(line, "/*", 2);
		if (!in_comment && size) {
			append_line(bytes, line, size);
			append_text(bytes, "\n");
		}
		in_comment &= size < 2 || memcmp(end - 2, "*/", 2) != 0;
	}
	free(file.at);
}

static void forbid(const struct bytes *bytes, const char *tag, const char *what)
{
	if (bytes->at && strstr(bytes->at, tag))
		fail(what, "has the tag in it that would end it");
}

static int ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), size = strlen(end);

	return length >= size && !strcmp(text + length - size, end);
}

int main(int count, char **arguments)
{
	struct bytes page = {0}, style = {0}, script = {0}, policy = {0};

	if (count < 2)
		fail("arguments", "expected page.html, style sheets and scripts");
	append_text(&style, "");
	append_text(&script, "");
	append_file(&page, arguments[1]);
	for (int i = 2; i < count; i++)
		if (ends_with(arguments[i], ".css"))
			append_lines(&style, arguments[i], append_rule);
		else
			append_lines(&script, arguments[i], append);
	forbid(&style, "</style", "style");
	forbid(&script, "</script", "script");
	append_text(&policy, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src ");
	append_source(&policy, &script);
	append_text(&policy, "; style-src ");
	append_source(&policy, &style);
	append_text(&policy, "; img-src data: blob:; base-uri 'none'; form-action 'none'\">");
	replace(&page, arguments[1], "<!--POLICY-->", &policy);
	replace(&page, arguments[1], "/*STYLE*/", &style);
	replace(&page, arguments[1], "/*SCRIPT*/", &script);
	write_template(&page, arguments[1]);
	free(page.at);
	free(style.at);
	free(script.at);
	free(policy.at);
	return 0;
}
