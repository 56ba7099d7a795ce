/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tree.c - tests which process is taken for the parent of which, and the tree that they make.
 * It must never rely on the order of the processes: tests that could depend on it try two orders.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "analyzer/aggregate/tree.h"
#include "run_suite.h"

enum {
	MANY = 100000,
	FEWER = MANY / 16,
};

static const uint64_t SECOND = 1000000000;

/* ---- parents ---- */

/* A process that began, and began its dump, in second `start`; its parent has number `parent`. */
static struct kin began(uint32_t pid, uint32_t parent, uint64_t start)
{
	return (struct kin){.pid = pid,
	                    .parent_pid = parent,
	                    .start_ticks = 100 * start,
	                    .begin_ns = start * SECOND,
	                    .end_ns = UINT64_MAX,
	                    .id = {pid, start}};
}

static struct kin forked(uint32_t pid, uint32_t parent, uint64_t start, uint64_t parent_start)
{
	struct kin kin = began(pid, parent, start);

	kin.fork_parent_ticks = 100 * parent_start;
	return kin;
}

/* The same process after exec in second `now`. */
static struct kin after_exec(struct kin kin, uint64_t now)
{
	kin.begin_ns = now * SECOND;
	kin.fork_parent_ticks = 0;
	kin.id[1] = now;
	return kin;
}

/* Whether process `child` has this parent (its index, -1 for none) and link, in the order given and in the reverse one. */
static bool has_parent(const struct kin *kin, size_t count, size_t child, int parent, enum kin_link link)
{
	struct kin *reverse = malloc(count * sizeof *reverse);
	struct kinship *found = malloc(count * sizeof *found);
	size_t mirrored = count - 1 - child;
	bool right;

	for (size_t i = 0; i < count; i++)
		reverse[i] = kin[count - 1 - i];
	kin_find(kin, count, found);
	right = found[child].link == link && found[child].parent == (parent < 0 ? KIN_NONE : (uint32_t)parent);
	kin_find(reverse, count, found);
	right &= found[mirrored].link == link &&
	         found[mirrored].parent == (parent < 0 ? KIN_NONE : (uint32_t)(count - 1) - (uint32_t)parent);
	free(reverse);
	free(found);
	return right;
}

START_TEST(a_fork_names_its_parent)
{
	/* Two processes had the number 10, one after the other. */
	const struct kin kin[] = {began(10, 1, 5), began(10, 1, 50), forked(20, 10, 51, 5), forked(21, 10, 51, 50)};

	ck_assert(has_parent(kin, 4, 2, 0, KIN_FORK));
	ck_assert(has_parent(kin, 4, 3, 1, KIN_FORK));
	ck_assert(has_parent(kin, 4, 0, -1, KIN_ALONE));
}
END_TEST

START_TEST(an_orphan_is_found_by_the_start_of_its_parent)
{
	struct kin kin[] = {began(10, 1, 5), forked(20, 1, 9, 5), began(11, 1, 6)};

	ck_assert(has_parent(kin, 3, 1, 0, KIN_FORK));
	kin[2].start_ticks = kin[0].start_ticks; /* two processes may have forked it: nobody knows which */
	ck_assert(has_parent(kin, 3, 1, -1, KIN_ALONE));
}
END_TEST

START_TEST(exec_goes_on_where_the_process_was)
{
	const struct kin first = forked(20, 10, 9, 5), kin[] = {began(10, 1, 5),       first,
	                                                        after_exec(first, 12), after_exec(first, 15),
	                                                        began(30, 20, 13),     began(31, 20, 16)};

	ck_assert(has_parent(kin, 6, 1, 0, KIN_FORK));
	ck_assert(has_parent(kin, 6, 2, 1, KIN_EXEC));
	ck_assert(has_parent(kin, 6, 3, 2, KIN_EXEC));
	/* Children belong to what the process was when they began. */
	ck_assert(has_parent(kin, 6, 4, 2, KIN_CHILD));
	ck_assert(has_parent(kin, 6, 5, 3, KIN_CHILD));
}
END_TEST

START_TEST(a_number_that_is_used_again_misleads_nobody)
{
	struct kin kin[] = {began(10, 1, 5), began(20, 10, 50), began(10, 1, 60)};

	ck_assert(has_parent(kin, 3, 1, 0, KIN_CHILD)); /* not the process that began later */
	kin[0].end_ns = 40 * SECOND;                    /* it had ended */
	ck_assert(has_parent(kin, 3, 1, -1, KIN_ALONE));
	kin[0].end_ns = UINT64_MAX;
	kin[0].host = 1;
	ck_assert(has_parent(kin, 3, 1, -1, KIN_ALONE));
}
END_TEST

START_TEST(a_parent_may_begin_its_dump_after_the_child)
{
	struct kin kin[] = {began(10, 1, 5), began(20, 10, 6)};

	kin[0].begin_ns = 100 * SECOND;
	ck_assert(has_parent(kin, 2, 1, 0, KIN_CHILD));
}
END_TEST

START_TEST(there_is_no_circle)
{
	/* Each claims to be a child of another one that began in the same clock tick. */
	struct kin kin[] = {began(10, 12, 5), began(11, 10, 5), began(12, 11, 5), began(13, 13, 5)};
	struct kinship found[4];
	unsigned parents = 0;

	kin_find(kin, 4, found);
	for (unsigned i = 0; i < 4; i++)
		parents += found[i].parent != KIN_NONE;
	ck_assert_uint_eq(parents, 2);
	ck_assert_uint_eq(found[3].parent, KIN_NONE);
}
END_TEST

/* ---- the tree ---- */

/* Adds a process of the host that has done 2^20 FLOPs and 1 call. */
static struct process *add_process(struct aggregate *aggregate, uint32_t pid, uint32_t parent, uint64_t start)
{
	struct process *process = &aggregate->processes[aggregate->process_count++];

	*process = (struct process){.pid = pid,
	                            .parent_pid = parent,
	                            .start_ticks = 100 * start,
	                            .start_realtime_ns = start * SECOND,
	                            .id = {pid, start},
	                            .rank = -1,
	                            .answered = true,
	                            .state = PROCESS_ENDED,
	                            .sums = {.flops = 1 << 20, .calls = 1}};
	process->host = process->job = process->launch = process->run = intern_text(&aggregate->texts, "");
	return process;
}

static void open_with(struct aggregate *aggregate, size_t count)
{
	aggregate_open(aggregate, &(struct aggregate_options){0});
	aggregate->processes = calloc(count, sizeof *aggregate->processes);
}

/* Returns the tree, to be freed. */
static struct process_tree find_tree(const struct aggregate *aggregate)
{
	struct launch_list launches;
	struct process_tree tree;

	launches_find(aggregate, &launches);
	tree_find(aggregate, &launches, &tree);
	launches_free(&launches);
	return tree;
}

/* Checks that each process is in the tree once, and that its sums add up. */
static void check_tree(const struct aggregate *aggregate, const struct process_tree *tree)
{
	bool *seen = calloc(aggregate->process_count, sizeof *seen);
	uint64_t calls = 0;

	for (size_t i = 0; i < tree->count; i++) {
		const struct tree_node *node = &tree->nodes[i];

		ck_assert_uint_eq(node->sums.calls, node->processes);
		ck_assert(node->sums.flops == (u128)node->processes << 20);
		calls += node->parent == AGGREGATE_NONE ? node->sums.calls : 0;
		if (!node->process)
			continue;
		ck_assert(!seen[node->process - aggregate->processes]);
		seen[node->process - aggregate->processes] = true;
	}
	ck_assert_uint_eq(calls, aggregate->process_count);
	free(seen);
}

/* Returns the tree, checked; to be freed. */
static struct process_tree tree_of(const struct aggregate *aggregate)
{
	struct process_tree tree = find_tree(aggregate);

	check_tree(aggregate, &tree);
	return tree;
}

START_TEST(nodes_stand_before_those_below_them)
{
	static const uint32_t pids[] = {10, 20, 30, 21}, sizes[] = {4, 2, 1, 1}, depths[] = {0, 1, 2, 1};
	struct aggregate aggregate;
	struct process_tree tree;

	open_with(&aggregate, 4);
	add_process(&aggregate, 30, 20, 7); /* a grandchild */
	add_process(&aggregate, 10, 1, 5);
	add_process(&aggregate, 21, 10, 8);
	add_process(&aggregate, 20, 10, 6);
	tree = tree_of(&aggregate);
	ck_assert_uint_eq(tree.count, 4);
	ck_assert(tree.nested);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(tree.nodes[i].pid, pids[i]);
		ck_assert_uint_eq(tree.nodes[i].size, sizes[i]);
		ck_assert_uint_eq(tree.nodes[i].depth, depths[i]);
	}
	tree_free(&tree);
	aggregate_close(&aggregate);
}
END_TEST

/* A parent without a dump has a node only where that says something. */
START_TEST(parents_without_a_dump)
{
	struct aggregate aggregate;
	struct process_tree tree;

	open_with(&aggregate, 6);
	add_process(&aggregate, 20, 10, 5);
	add_process(&aggregate, 21, 10, 6);
	tree = tree_of(&aggregate);
	ck_assert_uint_eq(tree.count, 2); /* all have the same parent */
	ck_assert(!tree.nested);
	tree_free(&tree);
	add_process(&aggregate, 30, 11, 7);
	add_process(&aggregate, 31, 11, 8);
	add_process(&aggregate, 40, 12, 9); /* an only child */
	add_process(&aggregate, 50, 1, 9);  /* an orphan */
	tree = tree_of(&aggregate);
	ck_assert_uint_eq(tree.count, 8);
	ck_assert(!tree.nodes[0].process && tree.nodes[0].pid == 10 && tree.nodes[0].size == 3);
	ck_assert(!tree.nodes[3].process && tree.nodes[3].pid == 11 && tree.nodes[3].processes == 2);
	ck_assert(tree.nodes[6].process && tree.nodes[7].process);
	tree_free(&tree);
	aggregate_close(&aggregate);
}
END_TEST

/* Very many processes, each of which differs from the one before it by these steps. */
struct many {
	uint32_t parent; /* of the first one, whose number is 10 */
	uint32_t pid_step, parent_step, tick_step;
	bool is_chain; /* each is below the one before it; otherwise, all are below the first one */
};

/* Finds the tree of `count` such processes, checks it, and returns the processor time of the search, in seconds. */
static double seconds_of_many(const struct many *many, uint32_t count)
{
	struct timespec begin, end;
	struct aggregate aggregate;
	struct process_tree tree;

	open_with(&aggregate, count);
	for (uint32_t i = 0; i < count; i++)
		add_process(&aggregate, 10 + i * many->pid_step, many->parent + i * many->parent_step,
		            5 + i * many->tick_step)
			->start_realtime_ns = (5 + i) * SECOND;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	tree = find_tree(&aggregate);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	check_tree(&aggregate, &tree);
	ck_assert_uint_eq(tree.count, count);
	ck_assert_uint_eq(tree.nodes[0].processes, count);
	ck_assert_uint_eq(tree.nodes[count - 1].depth, many->is_chain ? count - 1 : 1);
	tree_free(&tree);
	aggregate_close(&aggregate);
	return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

/* 16 times as many take 16 times as long, or with caches some 50; a search through all for each would take 256 times. */
static void check_many(const struct many *many)
{
	double part = INFINITY, whole = INFINITY;

	for (unsigned i = 0; i < 3; i++) {
		part = fmin(part, seconds_of_many(many, FEWER));
		whole = fmin(whole, seconds_of_many(many, MANY));
	}
	ck_assert_msg(whole < 120 * part, "%f s for %d, %f s for %d", part, FEWER, whole, MANY);
}

START_TEST(very_many_levels)
{
	check_many(&(struct many){.parent = 9, .pid_step = 1, .parent_step = 1, .tick_step = 1, .is_chain = true});
}
END_TEST

START_TEST(very_many_programs_in_one_process) { check_many(&(struct many){.parent = 1, .is_chain = true}); }
END_TEST

START_TEST(very_many_siblings) { check_many(&(struct many){.parent = 10, .pid_step = 1, .tick_step = 1}); }
END_TEST

int main(void)
{
	Suite *suite = suite_create("tree");
	TCase *parents = tcase_create("parents"), *tree = tcase_create("tree");

	tcase_set_timeout(tree, 120); /* seconds; under a sanitizer 100,000 processes take some */
	tcase_add_test(parents, a_fork_names_its_parent);
	tcase_add_test(parents, an_orphan_is_found_by_the_start_of_its_parent);
	tcase_add_test(parents, exec_goes_on_where_the_process_was);
	tcase_add_test(parents, a_number_that_is_used_again_misleads_nobody);
	tcase_add_test(parents, a_parent_may_begin_its_dump_after_the_child);
	tcase_add_test(parents, there_is_no_circle);
	tcase_add_test(tree, nodes_stand_before_those_below_them);
	tcase_add_test(tree, parents_without_a_dump);
	tcase_add_test(tree, very_many_levels);
	tcase_add_test(tree, very_many_programs_in_one_process);
	tcase_add_test(tree, very_many_siblings);
	suite_add_tcase(suite, parents);
	suite_add_tcase(suite, tree);
	return run_suite(suite, CK_FORK);
}
