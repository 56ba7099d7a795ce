/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * estimate.c - divides the work of each call site among its sampled stacks.
 * It must never overflow: a product of two sums of FLOPs has more than 128 bits, see u128_scale.
 */
#include "analyzer/aggregate/estimate.h"

#include <stdlib.h>

#include "analyzer/aggregate/addition.h"
#include "analyzer/aggregate/order.h"
#include "analyzer/base/memory.h"
#include "count.h"

/* What is known of one call site in one namespace (a stratum of the sample). */
struct stratum {
	u128 done;                     /* FLOPs of calls that have returned */
	u128 begun;                    /* FLOPs of calls in flight */
	u128 charged;                  /* charged FLOPs of both */
	u128 sampled;                  /* charged FLOPs that all its samples stand for */
	uint64_t calls, sampled_calls; /* calls: both, too */
	uint64_t rejected, time_ns;    /* calls that came back with INFO < 0; time of completed calls */
	bool varies;                   /* as in struct ratio */
	bool manual;                   /* the work is charged by the program */
	struct estimate given;         /* what its samples have been given so far */
	uint32_t largest;              /* number of the sample that has been given most; if `divided` */
	bool divided;                  /* a sample has been given its part */
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

static void add_row(struct stratum *stratum, const struct times *times, const struct row *row)
{
	uint64_t ns;

	stratum->done = u128_add(stratum->done, row->flops);
	stratum->charged = u128_add(stratum->charged, row->charged);
	stratum->manual |= row->kind == DUMP_ROW_MANUAL;
	if (row->kind == DUMP_ROW_REJECTED)
		stratum->rejected = count_plus(stratum->rejected, row->calls);
	else if (row->kind == DUMP_ROW_CALL)
		stratum->calls = count_plus(stratum->calls, row->calls);
	if (times_of_row(times, row, &ns))
		stratum->time_ns = count_plus(stratum->time_ns, ns);
}

/* Adds the calls and samples of the aggregate to their strata. */
static void add_all(struct strata *strata, const struct aggregate *aggregate, const struct times *times)
{
	for (size_t i = 0; i < aggregate->row_count; i++) {
		const struct row *row = aggregate->rows[i];

		if (row->kind == DUMP_ROW_CALL || row->kind == DUMP_ROW_REJECTED || row->kind == DUMP_ROW_MANUAL)
			add_row(stratum_of(strata, row->site, row->space), times, row);
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
 * Returns the share of a sample in what its stratum has of something: by the FLOPs that it stands for; or by its calls,
 * if all samples of the stratum stand for none, since their calls were charged nothing. A sample has at least one call.
 */
static u128 share(const struct sample *sample, const struct stratum *stratum, u128 all)
{
	if (stratum->sampled)
		return u128_scale(sample->flops, all, stratum->sampled);
	return u128_scale(sample->calls, all, stratum->sampled_calls);
}

/*
 * Returns the FLOPs of a stratum that its samples divide. `placeless` is the FLOPs of rows whose site is not known, some of
 * which may be of this stratum.
 *
 * They follow from the samples by the ratio of FLOPs to charged FLOPs, but they are no less than what has been done, and no
 * more than that with what is in flight or placeless.
 */
static u128 flops_of(const struct stratum *stratum, u128 placeless)
{
	u128 least = stratum->done, all = u128_add(least, stratum->begun), most = u128_add(all, placeless);
	u128 flops = stratum->charged ? u128_scale(stratum->sampled, all, stratum->charged) : stratum->sampled;

	if (flops < least)
		return least;
	return flops > most ? most : flops;
}

/* All that the samples of a stratum divide. */
static struct estimate whole_of(const struct stratum *stratum, u128 placeless)
{
	/* Samples tell charges. They tell FLOPs if every call has the same ratio of the two, which is not that of n to 0. */
	bool told = !stratum->varies && (stratum->sampled || !u128_add(stratum->done, stratum->begun));

	return (struct estimate){
		.flops = flops_of(stratum, placeless),
		.charged = stratum->charged,
		.calls = count_plus(stratum->calls, stratum->rejected),
		.time_ns = stratum->time_ns,
		.exact = stratum->sampled == stratum->charged && stratum->sampled_calls >= stratum->calls && told,
	};
}

/* The part of a sample, in whole numbers that are not too large. Its calls are known where each call was sampled. */
static struct estimate part_of(const struct sample *sample, const struct stratum *stratum, const struct estimate *whole)
{
	bool knows_calls = stratum->sampled_calls == whole->calls;

	return (struct estimate){
		.flops = share(sample, stratum, whole->flops),
		.charged = share(sample, stratum, whole->charged),
		.calls = knows_calls ? sample->calls : u64_saturate(share(sample, stratum, whole->calls)),
		.time_ns = u64_saturate(share(sample, stratum, whole->time_ns)),
		.exact = whole->exact,
	};
}

void estimate_add(struct estimate *sum, const struct estimate *more)
{
	sum->flops = u128_add(sum->flops, more->flops);
	sum->charged = u128_add(sum->charged, more->charged);
	sum->calls = count_plus(sum->calls, more->calls);
	sum->time_ns = count_plus(sum->time_ns, more->time_ns);
}

/* Adds what `whole` has more than the parts, which were rounded down. */
static void add_rest(struct estimate *part, const struct estimate *whole, const struct estimate *parts)
{
	part->flops += whole->flops > parts->flops ? whole->flops - parts->flops : 0;
	part->charged += whole->charged > parts->charged ? whole->charged - parts->charged : 0;
	part->calls += whole->calls > parts->calls ? whole->calls - parts->calls : 0;
	part->time_ns += whole->time_ns > parts->time_ns ? whole->time_ns - parts->time_ns : 0;
}

static const struct sample_key *sample_at(const struct aggregate *aggregate, uint32_t number)
{
	return intern_at(&aggregate->samples, number);
}

/* Whether a sample has more than another one of its stratum. Equal ones are ordered by their stacks, whatever their numbers. */
static bool is_larger(const struct aggregate *aggregate, const struct estimates *estimates, uint32_t a, uint32_t b)
{
	const struct estimate *of_a = &estimates->of_samples[a], *of_b = &estimates->of_samples[b];

	if (of_a->flops != of_b->flops)
		return of_a->flops > of_b->flops;
	return order_stacks(aggregate, sample_at(aggregate, a)->stack, sample_at(aggregate, b)->stack) < 0;
}

static void divide(const struct aggregate *aggregate, struct strata *strata, struct estimates *estimates)
{
	u128 placeless = aggregate->placeless_flops;

	for (uint32_t i = 0; i < aggregate->samples.count; i++) {
		const struct sample_key *key = sample_at(aggregate, i);
		struct stratum *stratum = stratum_of(strata, key->site, key->space);
		struct estimate whole = whole_of(stratum, placeless);

		estimates->of_samples[i] = part_of(&aggregate->sample_totals[i], stratum, &whole);
		estimate_add(&stratum->given, &estimates->of_samples[i]);
		if (!stratum->divided || is_larger(aggregate, estimates, i, stratum->largest))
			stratum->largest = i;
		stratum->divided = true;
	}
	for (size_t i = 0; i < strata->keys.count; i++) {
		const struct stratum *stratum = &strata->strata[i];
		struct estimate whole = whole_of(stratum, placeless);

		if (stratum->divided)
			add_rest(&estimates->of_samples[stratum->largest], &whole, &stratum->given);
	}
}

/* Lists the strata that have work and no sample. */
static void list_unsampled(const struct strata *strata, struct estimates *estimates)
{
	estimates->unsampled = memory_new(strata->keys.count, sizeof *estimates->unsampled);
	for (size_t i = 0; i < strata->keys.count; i++) {
		const struct stratum *stratum = &strata->strata[i];
		const struct place_key *key = intern_at(&strata->keys, (uint32_t)i);
		struct estimate work = {.flops = u128_add(stratum->done, stratum->begun),
		                        .charged = stratum->charged,
		                        .calls = count_plus(stratum->calls, stratum->rejected),
		                        .time_ns = stratum->time_ns,
		                        .exact = true};

		if (!stratum->divided && (work.calls || work.flops || work.charged))
			estimates->unsampled[estimates->unsampled_count++] =
				(struct unsampled){.key = *key, .manual = stratum->manual, .work = work};
	}
}

void estimates_find(const struct aggregate *aggregate, const struct times *times, struct estimates *estimates)
{
	struct strata strata = {0};

	*estimates =
		(struct estimates){.of_samples = memory_new(aggregate->samples.count, sizeof *estimates->of_samples)};
	add_all(&strata, aggregate, times);
	divide(aggregate, &strata, estimates);
	list_unsampled(&strata, estimates);
	intern_free(&strata.keys);
	free(strata.strata);
}

void estimates_free(struct estimates *estimates)
{
	free(estimates->of_samples);
	free(estimates->unsampled);
}
