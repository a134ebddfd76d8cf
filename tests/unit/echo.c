/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The packets of a probe, for every shape of header and length: well-formed, as long as asked, and nobody's context. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "path/echo.h"
#include "wire/context.h"

enum { ICMP6_TYPE_AT = 0, ICMP6_ECHO_REPLY_TYPE = 129, ID = 0x1234, SEQUENCE = 0xabcd };

static const uint8_t source[16] = { 0xfd, 1, [15] = 1 };

/* The sum over pseudo header and message that a right checksum makes all ones. */
static uint32_t message_sum(const uint8_t *packet, const uint8_t *message, uint32_t len)
{
	uint32_t sum = len + NEXT_HEADER_ICMPV6;

	for (uint32_t i = 0; i < 32; i += 2)
		sum += be16_load(packet + IPV6_SOURCE_AT + i);
	for (uint32_t i = 0; i < len; i++)
		sum += (uint32_t)message[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void expect_header(uint8_t *packet, uint32_t len, const struct probe_target *target, uint32_t header_len)
{
	struct ioam6_found found = { 0 };
	enum outcome why = OUTCOME_pass;
	enum encap_carrier carrier;
	struct context context;

	assert_int_equal(packet[IPV6_NEXT_HEADER_AT], NEXT_HEADER_HOP_BY_HOP);
	if (!ioam6_find(packet, packet + len, target->namespace, &found, &why))
		fail_msg("outcome %d, carrier %d, type %x, hops %d", why, target->shape.carrier, target->shape.type,
			 target->hops);
	assert_int_equal(found.header_len, header_len);
	assert_false(encap_find_context(packet, packet + len, &found, true, &context, &carrier));
	if (target->shape.type)
		assert_int_equal(found.trace.type, target->shape.type);
}

static void expect_packet(const struct probe_target *target, uint32_t len, bool option)
{
	uint32_t header_len = option ? echo_header_len(target, len) : 0;
	const struct echo echo = { target, source, ID, SEQUENCE, len, option };
	uint8_t packet[ECHO_LEN_MAX + 8], *message = packet + IPV6_LEN + header_len;

	memset(packet, 0x5a, sizeof(packet));
	echo_write(packet, &echo);
	for (uint32_t i = len; i < len + 8; i++)
		assert_int_equal(packet[i], 0x5a);
	assert_int_equal(be32_load(packet), 0x600abcde);
	assert_int_equal(be16_load(packet + IPV6_PAYLOAD_LEN_AT), len - IPV6_LEN);
	if (header_len)
		expect_header(packet, len, target, header_len);
	assert_int_equal(message_sum(packet, message, len - IPV6_LEN - header_len), 0xffff);
	assert_int_equal(echo_read(message, len - IPV6_LEN - header_len, ID), -1); /* no answer yet */
	message[ICMP6_TYPE_AT] = ICMP6_ECHO_REPLY_TYPE;
	assert_int_equal(echo_read(message, len - IPV6_LEN - header_len, ID), SEQUENCE);
	assert_int_equal(echo_read(message, len - IPV6_LEN - header_len, ID + 1), -1);
	assert_int_equal(echo_read(message, ECHO_LEN_MIN - 1, ID), -1);
}

static void test_packets(void **state)
{
	static const uint32_t types[] = { 0, IOAM6_USUAL_TYPE, ENCAP_GENERIC_TYPE, 1 << 23, 0xfff000 };
	struct probe_target target = { .address = { 0xfd, 2, [15] = 2 }, .flow_label = 0xabcde, .namespace = 0x6873 };

	(void)state;
	for (int carrier = 0; carrier < ENCAP_CARRIERS; carrier++)
		for (unsigned int type = 0; type < sizeof(types) / sizeof(types[0]); type++) {
			target.shape = encap_shape(carrier, types[type]);
			for (target.hops = 0; (int)target.hops <= encap_hops_max(&target.shape); target.hops++)
				for (uint32_t len = 1280; len <= 1500; len += 44) {
					expect_packet(&target, len, false);
					expect_packet(&target, len, true);
					assert_int_equal(echo_header_len(&target, len),
							 encap_len(&target.shape, target.shape.type ? target.hops : 0));
				}
			target.hops--;
			expect_packet(&target, ECHO_LEN_MAX, true);
		}
}

/* The least packet has the least header; below that there is none. */
static void test_small(void **state)
{
	struct probe_target target = { .hops = 4, .shape = ENCAP_SHAPE_USUAL, .flow_label = 0xabcde };
	uint32_t least = IPV6_LEN + ECHO_LEN_MIN + encap_len(&target.shape, 0);

	(void)state;
	for (uint32_t len = least; len < least + 150; len++)
		expect_packet(&target, len, true);
	assert_int_equal(echo_header_len(&target, least - 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
