/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Loads and removes the measurement of waits, reads what it counted. */
#include "wait.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "counters.h"
#include "program.h"
#include "words.h"

/* What is pinned with it. */
static const char *const files[] = { "wait_xmit", "wait_queues", "wait_count" };

/* All queues of a device. True: others are left. */
static bool queues_remove(int map, int ifindex)
{
	struct wait_key key, next;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0, others = false;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (key.ifindex == (uint32_t)ifindex)
			bpf_map_delete_elem(map, &key);
		else
			others = true;
	}
	return others;
}

static int queues_make(int map, int ifindex, const struct plane_node *self)
{
	struct wait_key key = { .ifindex = (uint32_t)ifindex };
	struct wait_queue queue;

	if (bpf_map_lookup_elem(map, &key, &queue) == 0 && memcmp(&queue.self, self, sizeof(*self)) == 0)
		return 0;
	queues_remove(map, ifindex);
	queue = (struct wait_queue){ .self = *self };
	return bpf_map_update_elem(map, &key, &queue, BPF_ANY) ? -errno : 0;
}

int wait_start(const struct places *places, const char *who, const struct words_device *at,
	       const struct plane_node *self)
{
	struct wait_config config = { .netns_cookie = places->netns_cookie, .kfuncs = self->kfuncs };
	struct bpf_object *object;
	int error = program_load(PROGRAM_WAIT, &config, sizeof(config), places->netns, NULL, &object);

	if (!error) {
		error = queues_make(program_map(object, "wait_queues"), at->ifindex, self);
		if (!error)
			error = program_attach_tracepoint(object, places->netns);
		program_unload(object);
	}
	if (error == -ESRCH)
		fprintf(stderr, "%s: %s: wait measured: this kernel has no tracepoint net_dev_start_xmit\n", who,
			at->name);
	return error;
}

void wait_stop(const char *folder, int ifindex)
{
	int map = counters_open_map(folder, "wait_queues");
	char path[PATH_MAX];
	bool others;

	if (map < 0)
		return;
	others = queues_remove(map, ifindex);
	close(map);
	for (unsigned int i = 0; !others && i < sizeof(files) / sizeof(files[0]); i++)
		if (snprintf(path, sizeof(path), "%s/%s", folder, files[i]) < (int)sizeof(path))
			unlink(path);
}

void wait_each(const char *folder, void (*each)(const struct wait_key *key, const struct wait_queue *queue, void *arg),
	       void *arg)
{
	int map = counters_open_map(folder, "wait_queues");
	struct wait_key key, *last = NULL;
	struct wait_queue queue;

	if (map < 0)
		return;
	for (; bpf_map_get_next_key(map, last, &key) == 0; last = &key)
		if (bpf_map_lookup_elem(map, &key, &queue) == 0)
			each(&key, &queue, arg);
	close(map);
}

uint64_t wait_quantile(const struct wait_queue *queue, unsigned int percent)
{
	uint64_t packets = 0, wanted, middle_ns;
	unsigned int bucket = 0;

	for (unsigned int i = 0; i < WAIT_BUCKETS; i++)
		packets += queue->count[i];
	wanted = (packets * percent + 99) / 100;
	for (packets = queue->count[0]; packets < wanted; packets += queue->count[bucket])
		bucket++;
	middle_ns = histogram_middle(bucket);
	return middle_ns < queue->max_ns ? middle_ns : queue->max_ns;
}

/* [[from which wait on, how many packets], ...], without empty buckets. */
static json_t *histogram_json(const struct wait_queue *queue)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < WAIT_BUCKETS; i++)
		if (queue->count[i])
			json_array_append_new(
			    list, json_pack("[I, I]", (json_int_t)histogram_least(i), (json_int_t)queue->count[i]));
	return list;
}

struct listing {
	json_t *list;
	uint32_t ifindex;
};

static void queue_json(const struct wait_key *key, const struct wait_queue *queue, void *arg)
{
	struct listing *listing = arg;
	json_t *object;

	if (key->ifindex != listing->ifindex)
		return;
	object = json_pack("{s:I, s:I, s:I}", "queue", (json_int_t)key->queue, "packets", (json_int_t)queue->packets,
			   "wait_sum_ns", (json_int_t)queue->sum_ns);
	if (queue->packets) {
		json_object_set_new(object, "wait_p50_ns", json_integer((json_int_t)wait_quantile(queue, 50)));
		json_object_set_new(object, "wait_p99_ns", json_integer((json_int_t)wait_quantile(queue, 99)));
		json_object_set_new(object, "wait_max_ns", json_integer((json_int_t)queue->max_ns));
	}
	json_object_set_new(object, "histogram", histogram_json(queue));
	json_array_append_new(listing->list, object);
}

void wait_json(json_t *object, const char *folder, int ifindex, bool measured)
{
	struct listing listing = { .ifindex = (uint32_t)ifindex };

	json_object_set_new(object, "wait", json_string(measured ? "measured" : "off"));
	if (!measured)
		return;
	listing.list = json_array();
	wait_each(folder, queue_json, &listing);
	json_object_set_new(object, "queues", listing.list);
}

static void member_print(const json_t *queue, const char *name, const char *text)
{
	double ns = (double)json_integer_value(json_object_get(queue, name));

	if (ns < 1e6)
		printf(", %.1f us %s", ns / 1e3, text);
	else
		printf(", %.3f ms %s", ns / 1e6, text);
}

void wait_print(const json_t *queues, const char *indent)
{
	const json_t *queue;
	size_t i;

	json_array_foreach (queues, i, queue) {
		printf("%squeue %-3lld %lld stamped packets", indent,
		       (long long)json_integer_value(json_object_get(queue, "queue")),
		       (long long)json_integer_value(json_object_get(queue, "packets")));
		if (json_object_get(queue, "wait_max_ns")) {
			member_print(queue, "wait_p50_ns", "half");
			member_print(queue, "wait_p99_ns", "99 %");
			member_print(queue, "wait_max_ns", "longest");
		}
		putchar('\n');
	}
}
