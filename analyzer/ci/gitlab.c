/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gitlab.c - the findings of a check as GitLab's report on code quality, which merge requests show.
 * It must never write an empty list for a check that could not be made: GitLab would show that as no problem.
 */
#include <inttypes.h>

#include "analyzer/ci/ci.h"
#include "analyzer/render/json.h"

static void put_issue(struct output *output, const char *name, const char *severity, const char *fingerprint,
                      const char *description, struct ci_place place)
{
	json_open(output, NULL, '{');
	json_text(output, "description", description);
	json_text(output, "check_name", name);
	json_text(output, "fingerprint", fingerprint);
	json_text(output, "severity", severity);
	json_open(output, "location", '{');
	json_text(output, "path", place.file);
	json_open(output, "lines", '{');
	json_number(output, "begin", place.line);
	json_close(output, '}');
	json_close(output, '}');
	json_close(output, '}');
}

void ci_write_gitlab(struct output *output, const struct ci_check *check)
{
	const struct findings *findings = check->findings;
	struct text words = {0}, name = {0}, fingerprint = {0};

	json_open(output, NULL, '[');
	if (!ci_is_judged(check)) {
		ci_say_verdict(&words, check);
		put_issue(output, "flops/check", "critical", "flops/check", words.bytes, ci_place_of(check, NULL));
	}
	for (size_t i = 0; ci_is_judged(check) && i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];

		text_clear(&words);
		text_clear(&name);
		text_clear(&fingerprint);
		finding_say(&words, finding);
		text_format(&name, "flops/%s", finding_kind_name(finding->kind));
		text_format(&fingerprint, "%016" PRIx64, ci_fingerprint(finding));
		put_issue(output, name.bytes, ci_fails(check, finding) ? "major" : "info", fingerprint.bytes,
		          words.bytes, ci_place_of(check, finding));
	}
	json_close(output, ']');
	text_free(&words);
	text_free(&name);
	text_free(&fingerprint);
}
