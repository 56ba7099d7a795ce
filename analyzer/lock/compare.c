/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * compare.c - the verdict on a run, and the findings: which rows differ, and which functions explain that.
 * It must never give a verdict by a row that only explains.
 */
#include "analyzer/lock/compare.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/lock/moves.h"
#include "analyzer/lock/pairs.h"

/* ---- places ---- */

/* What the comparison knows. */
struct check {
	const struct lock *lock;
	const struct run *run;
	struct findings *findings;
	struct pairs shapes, sites;
	const struct pair **by_group;           /* the sites by namespace, routine and place */
	const struct run_line **lines_by_group; /* the lines of the run, in the same order */
};

/* Whether a row of a site is part of a row of a shape, which may stand for all namespaces or routines. */
static bool is_part(const struct lock_row *site, const struct lock_row *shape)
{
	return (!strcmp(shape->space, LOCK_ALL) || !strcmp(site->space, shape->space)) &&
	       (!strcmp(shape->routine, LOCK_ALL) || !strcmp(site->routine, shape->routine));
}

static int compare_names(const char *space, const char *routine, const char *other_space, const char *other_routine)
{
	int order = strcmp(space, other_space);

	return order ? order : strcmp(routine, other_routine);
}

static int compare_sites(const void *a, const void *b)
{
	const struct lock_row *x = &(*(const struct pair *const *)a)->row, *y = &(*(const struct pair *const *)b)->row;
	int order = compare_names(x->space, x->routine, y->space, y->routine);

	return order ? order : strcmp(x->place, y->place);
}

static int compare_lines(const void *a, const void *b)
{
	const struct run_line *x = *(const struct run_line *const *)a, *y = *(const struct run_line *const *)b;
	int order = compare_names(x->space, x->routine, y->space, y->routine);

	if (!order)
		order = strcmp(x->place, y->place);
	return order ? order : x < y ? -1 : x > y; /* as in the run */
}

/* Sorts sites and lines by what rows of shapes tell apart, so that those of a row are found without a look at all others. */
static void sort_by_group(struct check *check)
{
	check->by_group = memory_new(check->sites.count, sizeof(struct pair *));
	check->lines_by_group = memory_new(check->run->line_count, sizeof(struct run_line *));
	for (size_t i = 0; i < check->sites.count; i++)
		check->by_group[i] = &check->sites.pairs[i];
	for (size_t i = 0; i < check->run->line_count; i++)
		check->lines_by_group[i] = &check->run->lines[i];
	if (check->sites.count)
		qsort(check->by_group, check->sites.count, sizeof(struct pair *), compare_sites);
	if (check->run->line_count)
		qsort(check->lines_by_group, check->run->line_count, sizeof(struct run_line *), compare_lines);
}

/* Some of the sites or lines, as numbers in by_group or lines_by_group: from `first` to `end` - 1. */
struct range {
	size_t first, end;
};

static int compare_site_to(const struct check *check, size_t i, const struct lock_row *row)
{
	return compare_names(check->by_group[i]->row.space, check->by_group[i]->row.routine, row->space, row->routine);
}

static int compare_line_to(const struct check *check, size_t i, const struct lock_row *row)
{
	return compare_names(check->lines_by_group[i]->space, check->lines_by_group[i]->routine, row->space,
	                     row->routine);
}

/* The range of those that may be part of a row, out of `count`: all, if it does not tell namespaces or routines apart. */
static struct range range_of(const struct check *check, const struct lock_row *row, size_t count,
                             int (*compare)(const struct check *, size_t, const struct lock_row *))
{
	struct range range = {0, count};
	size_t low = 0, high = count;

	if (!strcmp(row->space, LOCK_ALL) || !strcmp(row->routine, LOCK_ALL))
		return range;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare(check, middle, row) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	range.first = range.end = low;
	while (range.end < count && !compare(check, range.end, row))
		range.end++;
	return range;
}

static struct range sites_of(const struct check *check, const struct lock_row *row)
{
	return range_of(check, row, check->sites.count, compare_site_to);
}

static struct range lines_of(const struct check *check, const struct lock_row *row)
{
	return range_of(check, row, check->run->line_count, compare_line_to);
}

static bool is_unknown(const struct lock_row *site) { return !strcmp(site->place, LOCK_UNKNOWN); }

/* A function that may explain a difference. */
struct suspect {
	const struct pair *site;     /* its row; NULL if only samples name it */
	const struct run_line *line; /* its line; NULL if it is not known */
	struct work before, now;
	bool about, before_known;
};

/* The number of the first line of a place, or behind where it would be: lines are in the order of their places. */
static size_t first_line(const struct run *run, const char *place)
{
	size_t low = 0, high = run->line_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(run->lines[middle].place, place) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool line_is_part(const struct run_line *line, const struct lock_row *row)
{
	return is_part(&(struct lock_row){.space = line->space, .routine = line->routine}, row);
}

/* The line of a function that a finding shows: one that did just the difference, or else that with the most work. */
static const struct run_line *choose_line(const struct run *run, const struct lock_row *site, struct work difference)
{
	const struct run_line *best = NULL;

	for (size_t i = first_line(run, site->place); i < run->line_count; i++) {
		const struct run_line *line = &run->lines[i];

		if (strcmp(line->place, site->place))
			break;
		if (!line_is_part(line, site))
			continue;
		if (!best || work_is_equal(line->work, difference) ||
		    (!work_is_equal(best->work, difference) && !work_is_larger(best->work, line->work)))
			best = line;
	}
	return best;
}

/* The work that the lock has for the function of a line. */
static struct work work_before(const struct check *check, const struct run_line *line)
{
	struct range range = sites_of(check, &(struct lock_row){.space = line->space, .routine = line->routine});

	for (size_t i = range.first; i < range.end; i++) {
		const struct pair *site = check->by_group[i];

		if (!strcmp(site->row.place, line->place) && !strcmp(site->row.space, line->space) &&
		    !strcmp(site->row.routine, line->routine))
			return site->before;
	}
	return (struct work){0};
}

/* Whether all the work of one site is now that of another, as after its function has been renamed. */
static bool is_renaming(const struct pair *from, const struct pair *to)
{
	return from->before.calls && !from->now.calls && !to->before.calls && work_is_equal(from->before, to->now);
}

/*
 * The site of the same namespace and routine that has the work which another one had before, or had the work which that one has
 * now, since a function was renamed; NULL if there is none.
 */
static const struct pair *renamed(const struct check *check, const struct pair *site)
{
	struct range range = sites_of(check, &site->row);

	for (size_t i = range.first; i < range.end; i++) {
		const struct pair *other = check->by_group[i];

		if (!is_unknown(&other->row) && (is_renaming(other, site) || is_renaming(site, other)))
			return other;
	}
	return NULL;
}

/* How well a suspect explains a difference: by how much it has grown, or shrunk. */
static struct work weight(const struct suspect *suspect, bool grown)
{
	bool fits =
		grown ? work_is_larger(suspect->now, suspect->before) : work_is_larger(suspect->before, suspect->now);

	return fits ? work_between(suspect->now, suspect->before) : (struct work){0};
}

struct suspects {
	struct suspect *list;
	size_t count, capacity;
};

static void add_suspect(struct suspects *suspects, const struct suspect *suspect)
{
	suspects->list = memory_grow(suspects->list, suspects->count, &suspects->capacity, sizeof *suspects->list);
	suspects->list[suspects->count++] = *suspect;
}

static int compare_suspects(const void *a, const void *b)
{
	const struct suspect *x = a, *y = b;
	struct work of_x = work_between(x->now, x->before), of_y = work_between(y->now, y->before);

	if (!work_is_equal(of_x, of_y))
		return work_is_larger(of_x, of_y) ? -1 : 1;
	return 0;
}

/* Whether the functions of some work of a row are not known exactly, now or before. */
static void find_unknown(const struct check *check, const struct lock_row *row, bool *now, bool *before)
{
	struct range range = sites_of(check, row);

	*now = *before = false;
	for (size_t i = range.first; i < range.end; i++) {
		const struct pair *site = check->by_group[i];

		if (!is_unknown(&site->row) || !is_part(&site->row, row))
			continue;
		*now |= site->now.calls > 0;
		*before |= site->before.calls > 0;
	}
}

/* Adds the functions that samples name, each by its line with the most work. */
static void add_sampled(const struct check *check, const struct lock_row *row, bool before_unknown,
                        struct suspects *suspects)
{
	const struct run_line *const *lines = check->lines_by_group;
	struct range range = lines_of(check, row);

	for (size_t i = range.first, end; i < range.end; i = end) {
		const struct run_line *line = lines[i];
		struct suspect suspect = {.line = line, .about = true, .before_known = !before_unknown};
		bool sampled = false;

		for (end = i; end < range.end && !strcmp(lines[end]->place, line->place) &&
		              !compare_names(lines[end]->space, lines[end]->routine, line->space, line->routine);
		     end++) {
			sampled |= !lines[end]->exact;
			suspect.now = work_add(suspect.now, lines[end]->work);
			if (work_is_larger(lines[end]->work, suspect.line->work))
				suspect.line = lines[end];
		}
		if (!sampled || !line_is_part(line, row))
			continue;
		if (!before_unknown)
			suspect.before = work_before(check, line);
		add_suspect(suspects, &suspect);
	}
}

/* Finds the functions that have done more, or less, of a row, the one that explains the most first. */
static void find_suspects(const struct check *check, const struct lock_row *row, bool grown, struct suspects *suspects)
{
	struct range range = sites_of(check, row);
	bool unknown_now, unknown_before;
	size_t kept = 0;

	find_unknown(check, row, &unknown_now, &unknown_before);
	for (size_t i = range.first; i < range.end; i++) {
		const struct pair *site = check->by_group[i];
		struct suspect suspect = {.site = site, .before = site->before, .now = site->now, .before_known = true};

		if (is_unknown(&site->row) || !is_part(&site->row, row) || !pair_differs(site) ||
		    (!unknown_now && !unknown_before && renamed(check, site)))
			continue;
		suspect.line = choose_line(check->run, &site->row, work_between(site->now, site->before));
		if (unknown_now && !site->now.calls)
			continue; /* the samples that follow say what it may do now */
		suspect.about = unknown_now || unknown_before;
		suspect.before_known = !unknown_before || site->before.calls;
		add_suspect(suspects, &suspect);
	}
	if (unknown_now)
		add_sampled(check, row, unknown_before, suspects);
	for (size_t i = 0; i < suspects->count; i++) {
		struct work fits = weight(&suspects->list[i], grown);

		if (fits.flops || fits.calls)
			suspects->list[kept++] = suspects->list[i];
	}
	suspects->count = kept;
	if (kept)
		qsort(suspects->list, kept, sizeof *suspects->list, compare_suspects);
}

/* ---- findings ---- */

static struct finding *add_finding(struct check *check, const struct finding *finding)
{
	struct findings *findings = check->findings;

	findings->list = memory_grow(findings->list, findings->count, &findings->capacity, sizeof *findings->list);
	findings->list[findings->count] = *finding;
	return &findings->list[findings->count++];
}

static void set_line(struct finding *finding, const struct run_line *line)
{
	if (!line)
		return;
	finding->place = line->place;
	finding->function = line->at.function;
	finding->file = line->at.file;
	finding->line = line->at.file ? line->at.line : 0;
}

static void set_suspect(struct finding *finding, const struct suspect *suspect)
{
	if (suspect->site)
		finding->place = suspect->site->row.place;
	set_line(finding, suspect->line);
	finding->certainty = suspect->about ? FINDING_SAMPLED : FINDING_EXACT;
	finding->place_before_known = suspect->before_known;
	finding->place_before = suspect->before;
	finding->place_now = suspect->now;
}

/* Names the only function that does what a row has, or the one that does the most of it, where no function has changed. */
static void set_only(const struct check *check, const struct lock_row *row, struct finding *finding)
{
	const struct run_line *most = NULL;
	struct range range = lines_of(check, row);
	size_t functions = 0;

	for (size_t i = range.first; i < range.end; i++) {
		const struct run_line *line = check->lines_by_group[i];

		if (!line_is_part(line, row))
			continue;
		functions += !most || strcmp(most->place, line->place);
		if (!most || work_is_larger(line->work, most->work))
			most = line;
	}
	set_line(finding, most);
	finding->certainty = functions > 1 ? FINDING_SEVERAL : FINDING_EXACT;
}

/* The rows of one routine in one namespace that have grown, or those that have shrunk. */
struct half {
	const struct pair *most; /* the one that differs the most; NULL if there is none */
	size_t count;
	struct work before, now; /* sums */
	unsigned exceeded;       /* as in struct pair */
	bool over, under;
};

/* The rows of one routine in one namespace. */
struct group {
	const struct pair *pairs;
	size_t count;
	struct half halves[2]; /* those that have shrunk, and those that have grown */
};

static struct group group_of(const struct pair *pairs, size_t count)
{
	struct group group = {.pairs = pairs, .count = count};

	for (size_t i = 0; i < count; i++) {
		const struct pair *pair = &pairs[i];
		struct half *half = &group.halves[pair_has_grown(pair)];

		if (!pair_differs(pair))
			continue;
		half->count++;
		half->over |= pair->over;
		half->exceeded |= pair->exceeded;
		half->under |= pair->under;
		half->before = work_add(half->before, pair->before);
		half->now = work_add(half->now, pair->now);
		if (!half->most || work_is_larger(work_between(pair->now, pair->before),
		                                  work_between(half->most->now, half->most->before)))
			half->most = pair;
	}
	return group;
}

/* Whether as many calls as before have other shapes. */
static bool is_reshaped(const struct group *group)
{
	return group->halves[0].count && group->halves[1].count &&
	       group->halves[0].before.calls + group->halves[1].before.calls ==
	               group->halves[0].now.calls + group->halves[1].now.calls;
}

/* What all findings on one half of a group have in common. */
static struct finding describe(const struct half *half, enum finding_kind kind, bool exact)
{
	return (struct finding){
		.kind = kind,
		.fails = half->over || (exact && half->under),
		.exceeded = half->exceeded,
		.space = half->most->row.space,
		.routine = half->most->row.routine,
		.shape = half->most->row.shape,
		.shapes = row_is_folded(&half->most->row) ? 0 : half->count,
		.before = half->before,
		.now = half->now,
		.changed = work_between(half->now, half->before),
	};
}

/* What all findings on a group have in common whose shapes have become others. */
static struct finding describe_reshaped(const struct group *group, bool exact)
{
	const struct half *less = &group->halves[0], *more = &group->halves[1];
	struct finding finding = describe(more, FINDING_RESHAPED, exact);

	finding.fails |= less->over || (exact && less->under);
	finding.exceeded |= less->exceeded;
	finding.old_shape = less->most->row.shape;
	finding.before = work_add(less->before, more->before);
	finding.now = work_add(less->now, more->now);
	finding.changed = work_between(finding.now, finding.before);
	return finding;
}

/* The row with just this difference, where one of a group has it. */
static const struct pair *row_with(const struct group *group, struct work difference)
{
	for (size_t i = 0; i < group->count; i++)
		if (pair_differs(&group->pairs[i]) &&
		    work_is_equal(work_between(group->pairs[i].now, group->pairs[i].before), difference))
			return &group->pairs[i];
	return NULL;
}

/* Adds the findings that have this in common, one for each function that explains a part. */
static void find_functions(struct check *check, const struct group *group, struct finding common)
{
	bool grown = work_is_larger(common.now, common.before);
	const struct lock_row *row = &group->pairs->row;
	struct suspects suspects = {0};

	find_suspects(check, row, grown, &suspects);
	if (!suspects.count || (suspects.count > 1 && suspects.list[0].about)) {
		if (suspects.count)
			set_suspect(&common, &suspects.list[0]);
		else
			set_only(check, row, &common);
		add_finding(check, &common);
		free(suspects.list);
		return;
	}
	for (size_t i = 0; i < suspects.count; i++) {
		struct finding finding = common;
		const struct pair *same;

		set_suspect(&finding, &suspects.list[i]);
		if (suspects.count > 1) {
			finding.changed = work_between(suspects.list[i].now, suspects.list[i].before);
			same = common.kind == FINDING_RESHAPED ? NULL : row_with(group, finding.changed);
			if (same) {
				finding.shape = same->row.shape;
				finding.shapes = row_is_folded(&same->row) ? 0 : 1;
				finding.before = same->before;
				finding.now = same->now;
			}
		}
		if (!strcmp(finding.space, LOCK_ALL) && suspects.list[i].site)
			finding.space = suspects.list[i].site->row.space;
		if (!strcmp(finding.routine, LOCK_ALL) && suspects.list[i].site)
			finding.routine = suspects.list[i].site->row.routine;
		add_finding(check, &finding);
	}
	free(suspects.list);
}

static void find_in_group(struct check *check, const struct group *group, bool exact)
{
	if (is_reshaped(group)) {
		find_functions(check, group, describe_reshaped(group, exact));
		return;
	}
	if (group->halves[1].count)
		find_functions(check, group, describe(&group->halves[1], FINDING_MORE, exact));
	if (group->halves[0].count) /* of fewer FLOPs, but perhaps of more calls than the lock allows */
		find_functions(check, group,
		               describe(&group->halves[0], group->halves[0].over ? FINDING_MORE : FINDING_LESS, exact));
}

/* Work that moved between functions. */

/* The site of the same namespace and routine that has lost what another has gained, or else the one that has lost the most. */
static const struct pair *loser(const struct check *check, const struct pair *gainer)
{
	const struct pair *best = NULL;
	struct work gain = work_between(gainer->now, gainer->before);
	struct range range = sites_of(check, &gainer->row);

	for (size_t i = range.first; i < range.end; i++) {
		const struct pair *site = check->by_group[i];
		struct work loss = work_between(site->now, site->before);

		if (is_unknown(&site->row) || !is_part(&site->row, &gainer->row) || !pair_differs(site) ||
		    pair_has_grown(site))
			continue;
		if (work_is_equal(loss, gain))
			return site;
		if (!best || work_is_larger(loss, work_between(best->now, best->before)))
			best = site;
	}
	return best;
}

/* Whether the totals of a namespace and routine are as before, so that what its sites differ by has only moved. */
static bool only_moved(const struct check *check, const struct lock_row *row)
{
	struct work before = {0}, now = {0};
	struct range range = sites_of(check, row);

	for (size_t i = range.first; i < range.end; i++)
		if (is_part(&check->by_group[i]->row, row)) {
			before = work_add(before, check->by_group[i]->before);
			now = work_add(now, check->by_group[i]->now);
		}
	return work_is_equal(before, now);
}

static void find_moved(struct check *check, bool decides)
{
	for (size_t i = 0; i < check->sites.count; i++) {
		const struct pair *site = &check->sites.pairs[i], *from;

		if (is_unknown(&site->row) || !pair_differs(site) || !pair_has_grown(site))
			continue;
		from = only_moved(check, &site->row) ? loser(check, site) : decides ? NULL : renamed(check, site);
		if (!from)
			continue;
		add_finding(check, &(struct finding){.kind = FINDING_MOVED,
		                                     .fails = decides && site->over,
		                                     .exceeded = decides ? site->exceeded : 0,
		                                     .space = site->row.space,
		                                     .routine = site->row.routine,
		                                     .before = site->before,
		                                     .now = site->now,
		                                     .changed = work_between(site->now, site->before),
		                                     .old_place = from->row.place,
		                                     .place_before_known = true,
		                                     .place_before = site->before,
		                                     .place_now = site->now,
		                                     .place = site->row.place});
		set_line(&check->findings->list[check->findings->count - 1],
		         choose_line(check->run, &site->row, work_between(site->now, site->before)));
	}
}

/* Findings of a lock whose sites decide, but for work that has moved. */
static void find_by_site(struct check *check, bool exact)
{
	for (size_t i = 0; i < check->sites.count; i++) {
		const struct pair *site = &check->sites.pairs[i];
		struct suspect suspect = {.site = site, .before = site->before, .now = site->now, .before_known = true};
		struct finding finding = {.kind = site->over || pair_has_grown(site) ? FINDING_MORE : FINDING_LESS,
		                          .fails = site->over || (exact && site->under),
		                          .exceeded = site->exceeded,
		                          .space = site->row.space,
		                          .routine = site->row.routine,
		                          .before = site->before,
		                          .now = site->now,
		                          .changed = work_between(site->now, site->before)};

		if (!pair_differs(site) || only_moved(check, &site->row))
			continue;
		suspect.line = choose_line(check->run, &site->row, finding.changed);
		set_suspect(&finding, &suspect);
		add_finding(check, &finding);
	}
}

static int compare_findings(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int order;

	if (x->fails != y->fails)
		return x->fails ? -1 : 1;
	if (!work_is_equal(x->changed, y->changed))
		return work_is_larger(x->changed, y->changed) ? -1 : 1;
	order = strcmp(x->space, y->space);
	if (!order)
		order = strcmp(x->routine, y->routine);
	return order ? order : strcmp(x->place ? x->place : "", y->place ? y->place : "");
}

/* ---- the verdict ---- */

/* Says why a run cannot be compared with its lock; it says nothing if it can. */
static void doubt(const struct lock *lock, const struct run *run, struct text *why)
{
	const struct lock *now = &run->lock;

	if (strcmp(lock->prices, now->prices))
		text_format(
			why,
			"the lock was priced by version %s of the routine table, and the run by %s: prices may have "
			"changed, so write the lock anew with --update, from a run of the commit that it was made of",
			lock->prices, now->prices);
	else if (lock->processes != LOCK_ANY && lock->processes != now->processes)
		text_format(why,
		            "the lock is of %" PRIu64 " process%s, and this run of %" PRIu64
		            ": check all dumps of one run that was started as that of the lock was; if the number was "
		            "meant to change, write the lock anew with --update",
		            lock->processes, lock->processes == 1 ? "" : "es", now->processes);
	else if (lock->ranks != LOCK_ANY && lock->ranks != now->ranks)
		text_format(why,
		            "the lock is of %" PRIu64 " rank%s, and this run of %" PRIu64
		            ": start as many ranks as for the lock; if the number was meant to change, write the lock "
		            "anew with --update",
		            lock->ranks, lock->ranks == 1 ? "" : "s", now->ranks);
	else if (lock->by == LOCK_BY_SITE && run->sampled)
		text_format(why, "the lock decides by call site, and %s", run_why_sampled(run));
	else if (lock->by == LOCK_BY_SHAPE && run->rounded)
		text_add(why, "the lock decides by shape, and this run has so many that some were rounded: use a lock "
		              "that was made without --by shape");
}

static enum check_verdict judge(const struct pairs *deciding, bool exact)
{
	bool differs = false, under = false;

	for (size_t i = 0; i < deciding->count; i++) {
		const struct pair *pair = &deciding->pairs[i];

		if (pair->over || (exact && pair->under))
			return CHECK_MORE;
		differs |= pair_differs(pair);
		under |= work_is_more(pair->before, pair->now);
	}
	return under ? CHECK_LESS : differs ? CHECK_WITHIN : CHECK_SAME;
}

static void find_all(struct check *check, bool exact)
{
	bool by_site = check->lock->by == LOCK_BY_SITE;

	if (by_site)
		find_by_site(check, exact);
	for (size_t first = 0, end; !by_site && first < check->shapes.count; first = end) {
		struct group group;

		for (end = first; end < check->shapes.count &&
		                  !lock_compare_groups(&check->shapes.pairs[first].row, &check->shapes.pairs[end].row);)
			end++;
		group = group_of(&check->shapes.pairs[first], end - first);
		find_in_group(check, &group, exact);
	}
	moves_join_spaces(check->findings);
	find_moved(check, by_site);
	if (check->findings->count)
		qsort(check->findings->list, check->findings->count, sizeof *check->findings->list, compare_findings);
}

void lock_check(const struct lock *lock, const struct run *run, bool exact, struct findings *findings)
{
	struct check check = {.lock = lock, .run = run, .findings = findings};

	findings->before = lock->total;
	findings->now = run->lock.total;
	doubt(lock, run, &findings->why);
	if (findings->why.length) {
		findings->verdict = CHECK_NOT_COMPARABLE;
		return;
	}
	pairs_of_shapes(&check.shapes, lock, &run->lock);
	pairs_of_rows(&check.sites, lock, &lock->sites, &run->lock.sites);
	sort_by_group(&check);
	findings->verdict = judge(lock->by == LOCK_BY_SITE ? &check.sites : &check.shapes, exact);
	find_all(&check, exact);
	free(check.shapes.pairs);
	free(check.sites.pairs);
	free(check.by_group);
	free(check.lines_by_group);
}
