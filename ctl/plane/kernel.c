/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Feeds the kernel's IOAM, and remembers in the pinned map "kernel" what is to be undone. */
#include "kernel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters.h"
#include "ioam.h"
#include "namespaces.h"

/* Of the whole network namespace. */
struct kernel_state {
	uint64_t id_wide, id_wide_before;
	uint32_t id, id_before;
	uint32_t made_count;
	uint32_t saved;					   /* what the ids were */
	struct ioam6_namespace made[IOAM6_NAMESPACES_MAX]; /* by us; others were there */
};

static int sysctl_open(const char *name, int flags)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/%s", name);
	return open(path, flags | O_CLOEXEC);
}

static int sysctl_read(const char *name, uint64_t *value)
{
	int fd = sysctl_open(name, O_RDONLY);
	char text[32] = "";
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int error = len < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	if (!error)
		*value = strtoull(text, NULL, 10);
	return error;
}

static int sysctl_write(const char *name, uint64_t value)
{
	int fd = sysctl_open(name, O_WRONLY), error;

	error = fd < 0 || dprintf(fd, "%" PRIu64 "\n", value) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return error;
}

/* Unless somebody else has changed it since. */
static void sysctl_restore(const char *name, uint64_t ours, uint64_t before)
{
	uint64_t now = 0;

	if (sysctl_read(name, &now) == 0 && now == ours)
		sysctl_write(name, before);
}

enum device_sysctl { DEVICE_ID, DEVICE_ID_WIDE, DEVICE_ENABLED, DEVICE_SYSCTLS };

static const char *device_sysctl_name(const char *device, enum device_sysctl which, char name[PATH_MAX])
{
	static const char *const names[] = { "ioam6_id", "ioam6_id_wide", "ioam6_enabled" };

	snprintf(name, PATH_MAX, "conf/%s/%s", device, names[which]);
	return name;
}

static uint32_t device_sysctl_wanted(const struct device *device, enum device_sysctl which)
{
	return which == DEVICE_ID ? device->self.interface : which == DEVICE_ID_WIDE ? device->self.interface_wide : 1;
}

static int state_open(const char *folder, bool create)
{
	return create ? counters_make_map(folder, "kernel", BPF_MAP_TYPE_ARRAY, sizeof(struct kernel_state), NULL)
		      : counters_open_map(folder, "kernel");
}

static int state_save(int fd, const struct kernel_state *state)
{
	uint32_t key = 0;

	return bpf_map_update_elem(fd, &key, state, BPF_ANY) ? -errno : 0;
}

/* The node's ids. */
static int node_set(int fd, struct kernel_state *state, const struct plane_node *self)
{
	uint64_t id = 0, id_wide = 0;
	int error = sysctl_read("ioam6_id", &id);

	if (!error)
		error = sysctl_read("ioam6_id_wide", &id_wide);
	if (!error && !state->saved) {
		state->id_before = (uint32_t)id;
		state->id_wide_before = id_wide;
		state->saved = 1;
	}
	state->id = self->id & 0xffffff;
	state->id_wide = self->id_wide & 0xffffffffffffff;
	if (!error)
		error = state_save(fd, state);
	if (!error)
		error = sysctl_write("ioam6_id", state->id);
	return error ? error : sysctl_write("ioam6_id_wide", state->id_wide);
}

/* The kernel knows one way to write time. */
static bool namespace_is(const struct ioam6_namespace *one, const struct ioam6_namespace *other)
{
	return one->id == other->id && one->data == other->data && one->data_wide == other->data_wide &&
	       one->schema_id == other->schema_id && one->schema_words == other->schema_words &&
	       memcmp(one->schema, other->schema, one->schema_words * (size_t)IOAM6_WORD) == 0;
}

static void namespace_remove(struct ioam *ioam, struct kernel_state *state, uint32_t at)
{
	const struct ioam6_namespace *made = &state->made[at];

	ioam_namespace_delete(ioam, made->id);
	if (made->schema_words)
		ioam_schema_delete(ioam, made->schema_id);
	state->made[at] = state->made[--state->made_count];
}

/* One that is there and not ours serves if it says the same. */
static int namespace_make(struct ioam *ioam, struct kernel_state *state, const char *who,
			  const struct ioam6_namespaces *there, const struct ioam6_namespace *wanted)
{
	const struct ioam6_namespace *other = ioam6_namespace_find(there, wanted->id);
	int error;

	if (other && other->data == wanted->data && other->data_wide == wanted->data_wide &&
	    other->schema_id == wanted->schema_id)
		return 0;
	if (other) {
		fprintf(stderr, "%s: namespace %u: the kernel has it with other data (ip ioam namespace del %u)\n", who,
			wanted->id, wanted->id);
		return -EEXIST;
	}
	error = ioam_namespace_add(ioam, wanted);
	if (!error && wanted->schema_words) {
		error = ioam_schema_add(ioam, wanted);
		if (error)
			ioam_namespace_delete(ioam, wanted->id);
		if (error == -EEXIST)
			fprintf(stderr, "%s: schema %u: the kernel has it already (ip ioam schema del %u)\n", who,
				wanted->schema_id, wanted->schema_id);
	}
	if (!error)
		state->made[state->made_count++] = *wanted;
	return error;
}

static bool is_made(const struct kernel_state *state, const struct ioam6_namespace *wanted)
{
	for (uint32_t i = 0; i < state->made_count; i++)
		if (state->made[i].id == wanted->id)
			return true;
	return false;
}

/* Ours that are not wanted so any more go first. */
static int namespaces_make(struct ioam *ioam, struct kernel_state *state, const char *who,
			   const struct ioam6_namespaces *wanted)
{
	struct ioam6_namespaces *there = calloc(1, sizeof(*there));
	int error = 0;

	if (!there)
		return -ENOMEM;
	for (uint32_t i = state->made_count; i-- > 0;) {
		const struct ioam6_namespace *still = ioam6_namespace_find(wanted, state->made[i].id);

		if (!still || !namespace_is(still, &state->made[i]))
			namespace_remove(ioam, state, i);
	}
	error = ioam_list(ioam, there);
	for (uint32_t i = 0; !error && i < wanted->count; i++)
		if (!is_made(state, &wanted->list[i]))
			error = namespace_make(ioam, state, who, there, &wanted->list[i]);
	free(there);
	return error;
}

static int netns_set(const struct places *places, const char *who, const struct plane_node *self)
{
	struct plane_namespaces *wanted = calloc(1, sizeof(*wanted));
	struct kernel_state state = { 0 };
	int fd = state_open(places->netns, true), error = wanted ? 0 : -ENOMEM;
	struct ioam ioam = { .fd = -1 };
	uint32_t key = 0;

	if (!error)
		error = fd < 0 ? fd : namespaces_get(places->netns, wanted);
	if (!error && (error = ioam_open(&ioam)) == -ENOENT)
		fprintf(stderr, "%s: this kernel has no IOAM (Linux 5.15 and later have it)\n", who);
	if (!error) {
		bpf_map_lookup_elem(fd, &key, &state);
		error = node_set(fd, &state, self);
	}
	if (!error) {
		error = namespaces_make(&ioam, &state, who, &wanted->node);
		state_save(fd, &state);
	}
	if (ioam.fd >= 0)
		ioam_close(&ioam);
	if (fd >= 0)
		close(fd);
	free(wanted);
	return error;
}

/* Ids first, so that the first packet has them. */
static int device_sysctls_set(struct device *device)
{
	char name[PATH_MAX];
	uint64_t before = 0;
	int error = 0;

	for (enum device_sysctl i = 0; !error && !device->kernel_saved && i < DEVICE_SYSCTLS; i++) {
		error = sysctl_read(device_sysctl_name(device->name, i, name), &before);
		device->kernel_before[i] = (uint32_t)before;
	}
	if (!error)
		device->kernel_saved = 1;
	for (enum device_sysctl i = 0; !error && i < DEVICE_SYSCTLS; i++) {
		device->kernel_written[i] = device_sysctl_wanted(device, i);
		error = sysctl_write(device_sysctl_name(device->name, i, name), device->kernel_written[i]);
	}
	return error;
}

int kernel_attach(const struct places *places, const char *who, struct device *device)
{
	int error = netns_set(places, who, &device->self);

	return error ? error : device_sysctls_set(device);
}

static bool others_are_left(int devices, int ifindex)
{
	struct device device;

	for (int i = device_next(devices, 0); i; i = device_next(devices, i))
		if (i != ifindex && device_get(devices, i, &device) && device.roles & DEVICE_ROUTER &&
		    device.via == DEVICE_VIA_KERNEL)
			return true;
	return false;
}

static void netns_restore(const struct places *places)
{
	struct kernel_state state = { 0 };
	char path[PATH_MAX + 16];
	struct ioam ioam;
	uint32_t key = 0;
	int fd = state_open(places->netns, false);

	if (fd < 0)
		return;
	bpf_map_lookup_elem(fd, &key, &state);
	close(fd);
	if (ioam_open(&ioam) == 0) {
		while (state.made_count)
			namespace_remove(&ioam, &state, state.made_count - 1);
		ioam_close(&ioam);
	}
	sysctl_restore("ioam6_id", state.id, state.id_before);
	sysctl_restore("ioam6_id_wide", state.id_wide, state.id_wide_before);
	snprintf(path, sizeof(path), "%s/kernel", places->netns);
	unlink(path);
}

/* The device is switched off first, so that no packet meets a part. */
void kernel_detach(const struct places *places, int devices, int ifindex, const struct device *device)
{
	char now[IFNAMSIZ], name[PATH_MAX];
	bool there = if_indextoname((unsigned int)ifindex, now);

	for (int i = DEVICE_SYSCTLS - 1; there && device->kernel_saved && i >= 0; i--)
		sysctl_restore(device_sysctl_name(now, (enum device_sysctl)i, name), device->kernel_written[i],
			       device->kernel_before[i]);
	if (!others_are_left(devices, ifindex))
		netns_restore(places);
}

static bool device_is_enabled(const char *device)
{
	char name[PATH_MAX];
	uint64_t enabled = 0;

	return sysctl_read(device_sysctl_name(device, DEVICE_ENABLED, name), &enabled) == 0 && enabled;
}

bool kernel_is_attached(const struct device *device)
{
	return device_is_enabled(device->name);
}

int kernel_writes(const char *name, const struct ioam6_namespaces *namespaces)
{
	struct ioam6_namespaces *there;
	struct ioam ioam;
	int id = -1;

	if (!device_is_enabled(name) || ioam_open(&ioam))
		return -1;
	there = calloc(1, sizeof(*there));
	if (there && ioam_list(&ioam, there) == 0)
		for (uint32_t i = 0; id < 0 && i < there->count; i++)
			if (ioam6_namespace_find(namespaces, there->list[i].id))
				id = there->list[i].id;
	free(there);
	ioam_close(&ioam);
	return id;
}

json_t *kernel_namespaces_json(void)
{
	struct ioam6_namespaces *there = calloc(1, sizeof(*there));
	json_t *list = NULL;
	struct ioam ioam;

	if (there && ioam_open(&ioam) == 0) {
		if (ioam_list(&ioam, there) == 0)
			list = namespaces_list_json(there);
		ioam_close(&ioam);
	}
	free(there);
	return list ? list : json_array();
}
