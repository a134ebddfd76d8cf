/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Batches in memory, behind those of the file. */
#include "store_tail.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct reader *next;
	int64_t number; /* has this and all before */
	char endpoint[];
};

struct tail {
	struct tail *next;
	unsigned int users;
	pthread_mutex_t lock; /* of what follows */
	struct packed *first, **last;
	struct reader *readers;
	struct recent recent;
	size_t octets;
	_Atomic int64_t number; /* the highest of a batch there was */
	uint64_t unkept_spans;
	char path[];
};

static pthread_mutex_t tails_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tail *tails;

static struct tail *tail_new(const char *path)
{
	size_t len = strlen(path) + 1;
	struct tail *tail = calloc(1, sizeof(*tail) + len);

	if (!tail)
		return NULL;
	memcpy(tail->path, path, len);
	pthread_mutex_init(&tail->lock, NULL);
	tail->last = &tail->first;
	tail->next = tails;
	tails = tail;
	return tail;
}

struct tail *tail_open(const char *path)
{
	struct tail *tail;

	pthread_mutex_lock(&tails_lock);
	for (tail = tails; tail && strcmp(tail->path, path) != 0;)
		tail = tail->next;
	if (!tail)
		tail = tail_new(path);
	if (tail)
		tail->users++;
	pthread_mutex_unlock(&tails_lock);
	return tail;
}

static void first_drop(struct tail *tail)
{
	struct packed *batch = tail->first;

	tail->first = batch->next;
	if (!tail->first)
		tail->last = &tail->first;
	tail->octets -= batch->len;
	free(batch);
}

static void tail_free(struct tail *tail)
{
	tail_empty(tail);
	for (struct reader *reader; (reader = tail->readers);) {
		tail->readers = reader->next;
		free(reader);
	}
	recent_free(&tail->recent);
	pthread_mutex_destroy(&tail->lock);
	free(tail);
}

void tail_close(struct tail *tail)
{
	struct tail **at = &tails;

	if (!tail)
		return;
	pthread_mutex_lock(&tails_lock);
	while (*at != tail)
		at = &(*at)->next;
	if (--tail->users == 0) {
		*at = tail->next;
		tail_free(tail);
	}
	pthread_mutex_unlock(&tails_lock);
}

struct packed *tail_lock(struct tail *tail)
{
	pthread_mutex_lock(&tail->lock);
	return tail->first;
}

void tail_unlock(struct tail *tail)
{
	pthread_mutex_unlock(&tail->lock);
}

/* What all have sent makes room, the oldest first. */
static void sent_drop(struct tail *tail, size_t needed)
{
	int64_t sent = INT64_MAX;

	for (const struct reader *reader = tail->readers; reader; reader = reader->next)
		if (reader->number < sent)
			sent = reader->number;
	while (tail->first && tail->first->number <= sent && tail->octets + needed > TAIL_OCTETS_MAX) {
		tail->unkept_spans += tail->first->spans;
		first_drop(tail);
	}
}

bool tail_add(struct tail *tail, int64_t number, struct packed *list)
{
	size_t octets = 0;

	for (const struct packed *batch = list; batch; batch = batch->next)
		octets += batch->len;
	if (!tail->readers)
		return false;
	sent_drop(tail, octets);
	if (tail->octets + octets > TAIL_OCTETS_MAX)
		return false;
	tail_saw(tail, number);
	*tail->last = list;
	for (; list; list = list->next) {
		list->number = atomic_fetch_add(&tail->number, 1) + 1;
		tail->last = &list->next;
	}
	tail->octets += octets;
	return true;
}

struct recent *tail_recent(struct tail *tail)
{
	return &tail->recent;
}

void tail_saw(struct tail *tail, int64_t number)
{
	int64_t highest = atomic_load(&tail->number);

	while (number > highest && !atomic_compare_exchange_weak(&tail->number, &highest, number))
		;
}

int64_t tail_highest(struct tail *tail)
{
	return atomic_load(&tail->number);
}

void tail_empty(struct tail *tail)
{
	while (tail->first)
		first_drop(tail);
}

void tail_reader(struct tail *tail, const char *endpoint, int64_t number)
{
	size_t len = strlen(endpoint) + 1;
	struct reader *reader;

	pthread_mutex_lock(&tail->lock);
	for (reader = tail->readers; reader && strcmp(reader->endpoint, endpoint) != 0;)
		reader = reader->next;
	if (!reader && (reader = calloc(1, sizeof(*reader) + len))) {
		memcpy(reader->endpoint, endpoint, len);
		reader->next = tail->readers;
		tail->readers = reader;
	}
	if (reader && number > reader->number)
		reader->number = number;
	pthread_mutex_unlock(&tail->lock);
}

bool tail_is_used(struct tail *tail)
{
	bool used;

	pthread_mutex_lock(&tail->lock);
	used = tail->first != NULL;
	pthread_mutex_unlock(&tail->lock);
	return used;
}

uint64_t tail_unkept_spans(struct tail *tail)
{
	uint64_t spans;

	pthread_mutex_lock(&tail->lock);
	spans = tail->unkept_spans;
	pthread_mutex_unlock(&tail->lock);
	return spans;
}
