/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sarif.c - the findings of a check as SARIF 2.1.0, which code scanning reads.
 * It must never give a rule another name: people have dismissed alerts by it.
 */
#include <inttypes.h>
#include <string.h>

#include "analyzer/ci/ci.h"
#include "analyzer/render/json.h"
#include "version.h"

enum { RESULTS_MAX = 5000 }; /* GitHub shows no more of a run */

struct rule {
	const char *id, *words;
};

/* By enum finding_kind. */
static const struct rule rules[] = {
	[FINDING_MORE] = {"flops/more", "More floating-point work than before."},
	[FINDING_RESHAPED] = {"flops/reshaped", "As many calls as before, of another shape."},
	[FINDING_MOVED] = {"flops/moved", "The same work, from another function or in another namespace."},
	[FINDING_LESS] = {"flops/less", "Less floating-point work than before."},
};

enum { RULE_COUNT = sizeof rules / sizeof *rules };

/* Writes an object that has a text. In a message, braces stand for arguments, and brackets for links, unless escaped. */
static void put_message(struct output *output, const char *key, const char *plain)
{
	struct text text = {0};
	bool has_link = strstr(plain, "](") != NULL;

	text_add(&text, "");
	for (; *plain; plain++) {
		if (*plain == '{' || *plain == '}')
			text_add_byte(&text, *plain);
		else if (has_link && (*plain == '[' || *plain == ']'))
			text_add_byte(&text, '\\');
		text_add_byte(&text, *plain);
	}
	json_open(output, key, '{');
	json_text(output, "text", text.bytes);
	json_close(output, '}');
	text_free(&text);
}

/* Adds a path as a relative URI. */
static void add_uri(struct text *text, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";

	text_add(text, "");
	for (; *path; path++) {
		if (strchr(plain, *path))
			text_add_byte(text, *path);
		else
			text_format(text, "%%%02X", (unsigned char)*path);
	}
}

static void put_locations(struct output *output, struct ci_place place, const struct finding *finding)
{
	struct text uri = {0};

	add_uri(&uri, place.file);
	json_open(output, "locations", '[');
	json_open(output, NULL, '{');
	json_open(output, "physicalLocation", '{');
	json_open(output, "artifactLocation", '{');
	json_text(output, "uri", uri.bytes);
	if (*place.file != '/') /* a lock outside of the root */
		json_text(output, "uriBaseId", "%SRCROOT%");
	json_close(output, '}');
	json_open(output, "region", '{');
	json_number(output, "startLine", place.line);
	json_close(output, '}');
	json_close(output, '}');
	if (finding && finding->place) {
		json_open(output, "logicalLocations", '[');
		json_open(output, NULL, '{');
		json_text(output, "fullyQualifiedName", finding->place);
		if (finding->function)
			json_text(output, "kind", "function");
		json_close(output, '}');
		json_close(output, ']');
	}
	json_close(output, '}');
	json_close(output, ']');
	text_free(&uri);
}

static void put_result(struct output *output, const struct ci_check *check, const struct finding *finding)
{
	struct text text = {0};

	json_open(output, NULL, '{');
	json_text(output, "ruleId", rules[finding->kind].id);
	json_number(output, "ruleIndex", finding->kind);
	json_text(output, "level", ci_fails(check, finding) ? "error" : "note");
	finding_say(&text, finding);
	put_message(output, "message", text.bytes);
	put_locations(output, ci_place_of(check, finding), finding);
	text_clear(&text);
	text_format(&text, "%016" PRIx64, ci_fingerprint(finding));
	json_open(output, "partialFingerprints", '{');
	json_text(output, "flopshimFinding/v1", text.bytes);
	json_close(output, '}');
	json_close(output, '}');
	text_free(&text);
}

static void put_tool(struct output *output)
{
	json_open(output, "tool", '{');
	json_open(output, "driver", '{');
	json_text(output, "name", "flopshim-report");
	json_text(output, "version", FLOPSHIM_VERSION);
	json_open(output, "rules", '[');
	for (unsigned i = 0; i < RULE_COUNT; i++) {
		json_open(output, NULL, '{');
		json_text(output, "id", rules[i].id);
		put_message(output, "shortDescription", rules[i].words);
		json_close(output, '}');
	}
	json_close(output, ']');
	json_close(output, '}');
	json_close(output, '}');
}

/* Writes how the check went: one that could not be made has no results, which must not be taken for a fine one. */
static void put_invocation(struct output *output, const struct ci_check *check)
{
	json_open(output, "invocations", '[');
	json_open(output, NULL, '{');
	json_bool(output, "executionSuccessful", ci_is_judged(check));
	if (!ci_is_judged(check)) {
		struct text text = {0};

		ci_say_verdict(&text, check);
		json_open(output, "toolExecutionNotifications", '[');
		json_open(output, NULL, '{');
		json_text(output, "level", "error");
		put_message(output, "message", text.bytes);
		put_locations(output, ci_place_of(check, NULL), NULL);
		json_close(output, '}');
		json_close(output, ']');
		text_free(&text);
	}
	json_close(output, '}');
	json_close(output, ']');
}

void ci_write_sarif(struct output *output, const struct ci_check *check)
{
	const struct findings *findings = check->findings;

	json_open(output, NULL, '{');
	json_text(output, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	json_text(output, "version", "2.1.0");
	json_open(output, "runs", '[');
	json_open(output, NULL, '{');
	put_tool(output);
	put_invocation(output, check);
	json_open(output, "results", '[');
	for (size_t i = 0; ci_is_judged(check) && i < findings->count && i < RESULTS_MAX; i++)
		put_result(output, check, &findings->list[i]);
	json_close(output, ']');
	json_close(output, '}');
	json_close(output, ']');
	json_close(output, '}');
}
