/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/aggregate/estimate.h"

#include <stdlib.h>

#include "analyzer/aggregate/addition.h"
#include "analyzer/base/memory.h"
#include "count.h"

/* One call site in one namespace. */
struct stratum {
	u128 done;    /* FLOPs of its calls that have run */
	u128 begun;   /* of those in flight */
	u128 charged; /* what both were charged */
	u128 sampled; /* what its samples stand for, by what their calls were charged */
	uint64_t calls, sampled_calls;
};

struct strata {
	struct intern keys; /* struct place_key */
	struct stratum *strata;
	size_t capacity;
};

static struct stratum *stratum_of(struct strata *strata, uint32_t site, uint32_t space)
{
	struct place_key key = { site, space };
	uint32_t number = addition_intern(&strata->keys, &key, sizeof key, (void **)&strata->strata, &strata->capacity,
	                                 sizeof *strata->strata);

	return &strata->strata[number];
}

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
	for (size_t i = 0; i < aggregate->samples.count; i++) {
		const struct sample_key *key = intern_at(&aggregate->samples, (uint32_t)i);
		struct stratum *stratum = stratum_of(strata, key->site, key->space);

		stratum->sampled = u128_add(stratum->sampled, aggregate->sample_totals[i].flops);
		stratum->sampled_calls = count_plus(stratum->sampled_calls, aggregate->sample_totals[i].calls);
	}
}

/* Samples of calls that are charged nothing say how often a stack was met, and no more; each is of some calls. */
static u128 share(const struct sample *sample, const struct stratum *stratum, u128 target)
{
	if (stratum->sampled)
		return u128_scale(sample->flops, target, stratum->sampled);
	return u128_scale(sample->calls, target, stratum->sampled_calls);
}

static struct estimate estimate(const struct sample *sample, const struct stratum *stratum, u128 placeless)
{
	u128 least = stratum->done, all = u128_add(least, stratum->begun), most = u128_add(all, placeless);
	u128 target = stratum->charged ? u128_scale(stratum->sampled, all, stratum->charged) : stratum->sampled;
	bool weighed = stratum->sampled || !all; /* where there was work, samples of 0 do not say which stack did how much of it */
	bool exact = stratum->sampled == stratum->charged && stratum->sampled_calls >= stratum->calls && weighed;

	if (target < least)
		target = least;
	if (target > most)
		target = most;
	return (struct estimate){ .flops = share(sample, stratum, target), .exact = exact };
}

struct estimate *estimates_new(const struct aggregate *aggregate)
{
	struct estimate *estimates = memory_new(aggregate->samples.count, sizeof *estimates);
	struct strata strata = { 0 };

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
