/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * estimate.c - divides the FLOPs of each call site among its sampled stacks.
 * It must never overflow: a product of two sums of FLOPs has more than 128 bits, see u128_scale.
 */
#include "analyzer/aggregate/estimate.h"

#include <stdlib.h>

#include "analyzer/aggregate/addition.h"
#include "analyzer/base/memory.h"
#include "count.h"

/* What is known of one call site in one namespace (a stratum of the sample). */
struct stratum {
	u128 done;                     /* FLOPs of calls that have returned */
	u128 begun;                    /* FLOPs of calls in flight */
	u128 charged;                  /* charged FLOPs of both */
	u128 sampled;                  /* charged FLOPs that all its samples stand for */
	uint64_t calls, sampled_calls; /* calls: both, too */
	bool varies;                   /* as in struct ratio */
};

struct strata {
	struct intern keys;     /* struct place_key */
	struct stratum *strata; /* by the number of the key */
	size_t capacity;
};

/* Returns the stratum of a site in a namespace, and adds it if there is none. Valid until the next one is added. */
static struct stratum *stratum_of(struct strata *strata, uint32_t site, uint32_t space)
{
	struct place_key key = {site, space};
	uint32_t number = addition_intern(&strata->keys, &key, sizeof key, (void **)&strata->strata, &strata->capacity,
	                                  sizeof *strata->strata);

	return &strata->strata[number];
}

/* Adds the calls and samples of the aggregate to their strata. */
static void add_all(struct strata *strata, const struct aggregate *aggregate)
{
	for (size_t i = 0; i < aggregate->row_count; i++) {
		const struct row *row = aggregate->rows[i];
		struct stratum *stratum;

		if (row->kind != DUMP_ROW_CALL)
			continue;
		stratum = stratum_of(strata, row->site, row->space);
		stratum->done = u128_add(stratum->done, row->flops);
		stratum->charged = u128_add(stratum->charged, row->charged);
		stratum->calls = count_plus(stratum->calls, row->calls);
	}
	for (size_t i = 0; i < aggregate->flights.count; i++) {
		const struct place_key *key = intern_at(&aggregate->flights, (uint32_t)i);
		struct stratum *stratum = stratum_of(strata, key->site, key->space);

		stratum->begun = aggregate->flight_totals[i].flops;
		stratum->charged = u128_add(stratum->charged, aggregate->flight_totals[i].charged);
		stratum->calls = count_plus(stratum->calls, aggregate->flight_totals[i].calls);
	}
	for (size_t i = 0; i < aggregate->ratios.count; i++) {
		const struct place_key *key = intern_at(&aggregate->ratios, (uint32_t)i);

		stratum_of(strata, key->site, key->space)->varies = aggregate->ratio_totals[i].varies;
	}
	for (size_t i = 0; i < aggregate->samples.count; i++) {
		const struct sample_key *key = intern_at(&aggregate->samples, (uint32_t)i);
		struct stratum *stratum = stratum_of(strata, key->site, key->space);

		stratum->sampled = u128_add(stratum->sampled, aggregate->sample_totals[i].flops);
		stratum->sampled_calls = count_plus(stratum->sampled_calls, aggregate->sample_totals[i].calls);
	}
}

/*
 * Returns the share of a sample in the FLOPs `target` of its stratum: by the FLOPs that it stands for; or by its calls,
 * if all samples of the stratum stand for none, since their calls were charged nothing. A sample has at least one call.
 */
static u128 share(const struct sample *sample, const struct stratum *stratum, u128 target)
{
	if (stratum->sampled)
		return u128_scale(sample->flops, target, stratum->sampled);
	return u128_scale(sample->calls, target, stratum->sampled_calls);
}

/*
 * Returns the estimate for a sample. `placeless` is the FLOPs of rows whose site is not known, some of which may be of
 * this stratum.
 *
 * The FLOPs to divide (`target`) follow from the samples by the ratio of FLOPs to charged FLOPs, but they are no less
 * than what has been done, and no more than that with what is in flight or placeless.
 */
static struct estimate estimate(const struct sample *sample, const struct stratum *stratum, u128 placeless)
{
	u128 least = stratum->done, all = u128_add(least, stratum->begun), most = u128_add(all, placeless);
	u128 target = stratum->charged ? u128_scale(stratum->sampled, all, stratum->charged) : stratum->sampled;
	/* Samples tell charges. They tell FLOPs if every call has the same ratio of the two, which is not that of n to 0. */
	bool told = !stratum->varies && (stratum->sampled || !all);
	bool exact = stratum->sampled == stratum->charged && stratum->sampled_calls >= stratum->calls && told;

	if (target < least)
		target = least;
	if (target > most)
		target = most;
	return (struct estimate){.flops = share(sample, stratum, target), .exact = exact};
}

struct estimate *estimates_new(const struct aggregate *aggregate)
{
	struct estimate *estimates = memory_new(aggregate->samples.count, sizeof *estimates);
	struct strata strata = {0};

	add_all(&strata, aggregate);
	for (size_t i = 0; i < aggregate->samples.count; i++) {
		const struct sample_key *key = intern_at(&aggregate->samples, (uint32_t)i);

		estimates[i] = estimate(&aggregate->sample_totals[i], stratum_of(&strata, key->site, key->space),
		                        aggregate->placeless_flops);
	}
	intern_free(&strata.keys);
	free(strata.strata);
	return estimates;
}
