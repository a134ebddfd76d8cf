/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Loads programs as the command does and runs packets through them. */
#include "trial.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "ctl/plane/counters.h"
#include "ctl/plane/namespaces.h"
#include "wire/context.h"
#include "wire/ethernet.h"
#include "wire/node.h"

enum { NS_PER_S = 1000000000 };

struct plane_node trial_self(void)
{
	return (struct plane_node){
		.id = 0x010203,
		.id_wide = 0x11121314151617,
		.interface = 0x2122,
		.interface_wide = 0x31323334,
		.namespace = CONTEXT_NAMESPACE,
		.link_len = ETHERNET_LEN,
		.kfuncs = program_kernel_has_casts(),
		.direct = true,
	};
}

const struct ioam6_namespace *trial_namespace(void)
{
	static const struct ioam6_namespace namespace = {
		.id = CONTEXT_NAMESPACE,
		.data = IOAM6_NONE32,
		.data_wide = ~0ULL,
		.schema_id = IOAM6_SNAPSHOT_NONE,
	};

	return &namespace;
}

/* The one above, unless the test has set others. */
static void namespaces_prepare(void)
{
	struct plane_namespaces *now = calloc(1, sizeof(*now));

	assert_non_null(now);
	if (namespaces_get(TRIAL_FOLDER, now)) {
		ioam6_namespaces_add(&now->node, trial_namespace());
		assert_int_equal(namespaces_set(TRIAL_FOLDER, &now->node), 0);
	}
	free(now);
}

void trial_load(struct trial *trial, const void *config, size_t len)
{
	int error;

	namespaces_prepare();
	error = program_load(trial->program, config, len, TRIAL_FOLDER, TRIAL_FOLDER, &trial->object);

	if (error)
		fail_msg("program %d does not load: %s; HOPSPAN_VERBOSE=1 says more", trial->program, strerror(-error));
	trial->program_fd = bpf_program__fd(bpf_object__next_program(trial->object, NULL));
	trial->clock_fd = program_map(trial->object, "clock");
	assert_int_equal(counters_read(TRIAL_FOLDER, trial->role, trial->counts), 0);
	memset(trial->total, 0, sizeof(trial->total));
}

void trial_unload(struct trial *trial)
{
	program_unload(trial->object);
}

static uint64_t mono_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* With the offset that the program has just used. */
static void times_set(const struct trial *trial, uint64_t begin_ns, uint64_t end_ns, struct trial_out *out)
{
	struct plane_clock clock;
	uint32_t key = 0;

	if (trial->clock_fd < 0)
		return; /* it reads no clock */
	assert_int_equal(bpf_map_lookup_elem(trial->clock_fd, &key, &clock), 0);
	out->begin_tai_ns = begin_ns + (uint64_t)clock.mono_to_tai_ns;
	out->end_tai_ns = end_ns + (uint64_t)clock.mono_to_tai_ns;
}

static void counters_set(struct trial *trial, struct trial_out *out)
{
	uint64_t counts[OUTCOME_COUNT];

	assert_int_equal(counters_read(TRIAL_FOLDER, trial->role, counts), 0);
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		out->moved[i] = counts[i] - trial->counts[i];
		trial->total[i] += out->moved[i];
		trial->counts[i] = counts[i];
	}
}

/* The outermost tag is a provider's. */
static uint32_t tags_make(const struct trial *trial, uint8_t *at)
{
	for (unsigned int i = 0; i < trial->tags; i++) {
		be16_store(at + i * VLAN_TAG_LEN, i || trial->tags == 1 ? ETHERTYPE_VLAN : ETHERTYPE_SERVICE_VLAN);
		be16_store(at + i * VLAN_TAG_LEN + 2, (uint16_t)(0x2000 + i + 1));
	}
	return trial->tags * VLAN_TAG_LEN;
}

static uint32_t frame_make(const struct trial *trial, const struct packet *packet, uint8_t *frame)
{
	static const uint8_t link[ETHERNET_TYPE_AT] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
	uint32_t link_len = trial->ethertype ? ETHERNET_LEN : 0;

	if (link_len) {
		memcpy(frame, link, sizeof(link));
		link_len += tags_make(trial, frame + ETHERNET_TYPE_AT);
		be16_store(frame + link_len - 2, trial->ethertype);
	}
	memcpy(frame + link_len, packet->octets, packet->len);
	return link_len;
}

/* Takes the metadata and the link-layer header off. */
static void frame_take(const struct packet *packet, const uint8_t *in, const uint8_t *frame, uint32_t len,
		       uint32_t link_len, struct trial_out *out)
{
	assert_true(out->meta_len <= sizeof(out->meta) && out->meta_len + link_len <= len);
	memcpy(out->meta, frame, out->meta_len);
	frame += out->meta_len;
	packet_expect_octets(packet, "link-layer header", frame, link_len, in, link_len);
	out->len = len - out->meta_len - link_len;
	assert_true(out->len <= sizeof(out->octets));
	memcpy(out->octets, frame + link_len, out->len);
}

bool trial_run(struct trial *trial, const struct packet *packet, struct trial_out *out)
{
	uint8_t in[VECTOR_LEN_MAX + ETHERNET_LEN + TRIAL_TAGS_MAX * VLAN_TAG_LEN],
	    after[sizeof(in) + sizeof(out->meta)];
	uint32_t link_len = frame_make(trial, packet, in);
	struct __sk_buff skb = { .ingress_ifindex = trial->came_in_from };
	struct xdp_md xdp = { .data_end = packet->len + link_len }, xdp_after = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = in, .data_size_in = packet->len + link_len, .repeat = 1,
		    .data_out = after, .data_size_out = sizeof(after));
	bool is_xdp = trial->program >= PROGRAM_XDP_TRANSIT;
	uint64_t begin_ns = mono_ns();

	options.ctx_in = is_xdp ? (void *)&xdp : &skb;
	options.ctx_size_in = is_xdp ? sizeof(xdp) : sizeof(skb);
	options.ctx_out = is_xdp ? &xdp_after : NULL;
	options.ctx_size_out = is_xdp ? sizeof(xdp_after) : 0;
	if (bpf_prog_test_run_opts(trial->program_fd, &options)) {
		if (errno != EINVAL || packet->len >= IPV6_LEN)
			fail_msg("%s, mutation %u: test run: %s", packet->name, packet->mutation, strerror(errno));
		return false;
	}
	times_set(trial, begin_ns, mono_ns(), out);
	counters_set(trial, out);
	out->verdict = options.retval;
	out->meta_len = xdp_after.data; /* where the frame begins behind it */
	frame_take(packet, in, after, options.data_size_out, link_len, out);
	return true;
}

void trial_expect_outcome(const struct packet *packet, const struct trial_out *out, enum outcome outcome,
			  enum outcome beside)
{
	for (enum outcome i = 0; i < OUTCOME_COUNT; i++)
		packet_expect(packet, outcome_name(i), out->moved[i], i == outcome || i == beside);
}

bool trial_saw_fraction(const struct trial_out *out, uint32_t fraction)
{
	uint32_t after = (fraction + NS_PER_S - out->begin_tai_ns % NS_PER_S) % NS_PER_S;

	return fraction < NS_PER_S && after <= out->end_tai_ns - out->begin_tai_ns;
}

void trial_expect_all(const struct trial *trial, enum outcome first, enum outcome last)
{
	for (enum outcome i = first; i <= last; i++)
		if (!trial->total[i])
			fail_msg("%s: no packet was %s", trial->role, outcome_name(i));
}

uint8_t *trial_field_take(uint8_t *wanted, const struct trial_out *out, uint32_t slot, uint32_t type, uint32_t bit)
{
	uint8_t *field = node_field(wanted, wanted + out->len, slot, type, bit, 0, 4);

	if (field)
		memcpy(field, out->octets + (field - wanted), 4);
	return field;
}

void trial_untouched_check(const struct packet *packet, void *arg)
{
	struct trial_out out;

	if (!trial_run(arg, packet, &out))
		return;
	trial_expect_outcome(packet, &out, OUTCOME_pass, OUTCOME_COUNT);
	packet_expect_octets(packet, "packet", out.octets, out.len, packet->octets, packet->len);
	packet_expect(packet, "metadata's length", out.meta_len, 0);
}
