/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * registry.c - the threads that there are, and the places of those that have ended.
 * It must never leave a list that a child which is forked at this moment could not walk.
 */
#include "shim/state/registry.h"

#include <stdatomic.h>
#include <string.h>

#include "shim/guest/guest.h"

static struct {
	struct guest_lock lock; /* protects the lists */
	struct thread *threads, *free;
} registry;

void registry_each_thread(void (*visit)(struct thread *))
{
	guest_lock(&registry.lock);
	for (struct thread *thread = registry.threads; thread; thread = thread->next)
		visit(thread);
	guest_unlock(&registry.lock);
}

void registry_each_place(void (*visit)(struct thread *, void *), void *context)
{
	guest_lock(&registry.lock);
	for (struct thread *thread = registry.threads; thread; thread = thread->next)
		visit(thread, context);
	for (struct thread *thread = registry.free; thread; thread = thread->next)
		visit(thread, context);
	guest_unlock(&registry.lock);
}

struct thread *registry_place(bool *is_new)
{
	struct thread *thread;

	guest_lock(&registry.lock);
	thread = registry.free;
	*is_new = !thread;
	if (thread)
		registry.free = thread->next;
	else
		thread = guest_pages(sizeof(struct thread));
	guest_unlock(&registry.lock);
	return thread;
}

/* Puts a thread in front of a list. With the lock held. */
static void put_first(struct thread **list, struct thread *thread)
{
	thread->next = *list;
	atomic_signal_fence(memory_order_seq_cst); /* a child that is forked at this moment finds a whole list */
	*list = thread;
}

void registry_add(struct thread *thread)
{
	guest_lock(&registry.lock);
	put_first(&registry.threads, thread);
	guest_unlock(&registry.lock);
}

void registry_retire(struct thread *thread)
{
	struct thread **link = &registry.threads;

	guest_lock(&registry.lock);
	while (*link && *link != thread)
		link = &(*link)->next;
	if (*link)
		*link = thread->next;
	atomic_signal_fence(memory_order_seq_cst); /* the same here */
	put_first(&registry.free, thread);
	guest_unlock(&registry.lock);
}

bool registry_is_alone(void)
{
	bool alone;

	guest_lock(&registry.lock);
	alone = !registry.threads || (registry.threads == thread_self && !registry.threads->next);
	guest_unlock(&registry.lock);
	return alone;
}

void registry_forked(void) { memset(&registry.lock, 0, sizeof(registry.lock)); }

void registry_clear(void) { registry.threads = registry.free = NULL; }
