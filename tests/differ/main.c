/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The differential test: every packet through the Linux kernel's IOAM and through ours, and the judge over both.
 *
 *   differ tcx DEV                         prints the number of the program at tcx ingress, 0: none
 *   differ packets SEED MUTATIONS FILE TAGS   writes the packets as a capture, for a dataplane that takes one,
 *                                          in frames of so many VLAN tags
 *   differ judge SEED MUTATIONS WORD...    sends them through planes and judges; the first two are the references
 *     kernel IN OUT       a router whose kernel does IOAM; IN and OUT are our ends of the wires to it
 *     plain IN OUT        one that does not
 *     xdp IN OUT ID       ours, completed by metadata; ID is the number of the program that arriving packets meet
 *     tc IN OUT ID        ours, without
 *     pages IN OUT ID     the same for packets that are not linear
 *     dpdk FILE TAGS SENT  a capture of what the DPDK forwarder made of the packets from SENT (Unix ns) on, in
 *                         such frames; which it was to write to, the plane before it says
 *     untouched IN OUT    ours, at a device where hopspan does not listen
 *     capture FILE        all that a transit node of ours wrote to
 *     wrong FOLDER        nodes that the judge must catch
 */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/record/leap.h"
#include "fields.h"
#include "judge.h"
#include "lane.h"
#include "maker.h"
#include "pcap.h"
#include "run.h"
#include "wrong.h"

enum { PLANES_MAX = 10, SHOWN_MAX = 3 };

struct session {
	struct packets packets;
	struct plane planes[PLANES_MAX];
	unsigned int count;
	struct judge judge;
	bool failed;
};

static void octets_print(const char *what, const uint8_t *octets, uint32_t len)
{
	printf("    %-6s", what);
	for (uint32_t i = 0; i < len && i < 400; i++)
		printf("%s%02x", i % 4 ? "" : " ", octets[i]);
	printf("\n");
}

static void complaint_print(const struct session *session, const struct plane *plane, uint32_t number,
			    const char *complaint)
{
	const struct packet *packet = &session->packets.list[number];
	const struct answer *kernel = &session->judge.kernel->answers[number], *seen = &plane->answers[number];

	printf("FAILED: %s: packet %u, %s: %s\n", plane->name, number, packet->family, complaint);
	octets_print("sent", packet->octets, packet->len);
	octets_print("kernel", kernel->octets, kernel->len);
	octets_print("ours", seen->octets, seen->len);
	octets_print("alone", seen->after, seen->after_len);
}

/* How the words of one plane are used: the next one, or the end of the test. */
static const char *word_next(char ***words)
{
	if (!**words)
		errx(2, "a word is missing; main.c says which there are");
	return *(*words)++;
}

static struct plane *plane_add(struct session *session, const char *name)
{
	struct plane *plane = &session->planes[session->count++];

	if (session->count > PLANES_MAX)
		errx(2, "more than %d planes", PLANES_MAX);
	*plane = (struct plane){ .name = name };
	plane->answers = calloc(session->packets.count, sizeof(*plane->answers));
	return plane;
}

static void plane_pass(struct session *session, struct plane *plane, const bool *held, char ***words)
{
	enum lane_pieces pieces = strcmp(plane->name, "pages") == 0 ? LANE_PAGES : LANE_LINEAR;
	const char *in = word_next(words);

	lane_pass(&session->packets, in, word_next(words), pieces, held, plane->answers);
}

/*
 * Linux before February 2026 writes as much as the trace type asks for, whatever NodeLen says, and beyond the packet's
 * end if that comes first. Does this kernel? The packet that asks has room for what is written.
 */
static bool kernel_trusts_node_len(struct session *session, const char *in, const char *out)
{
	struct packets packets = { .run = ~session->packets.run };
	struct trace trace = { NAMESPACE_PLAIN, BIT(0), 0, 2, 4, 0, 5 };
	struct answer answer = { 0 };
	uint64_t random = 1;

	maker_add_trace(&packets, &random, "probe", NULL, &trace);
	lane_pass(&packets, in, out, LANE_LINEAR, NULL, &answer);
	return answer.came;
}

/* Packets that this kernel is not to see: it is taken to drop them, as it will after its next update. */
static bool *held_choose(struct session *session, char **words)
{
	bool *held = calloc(session->packets.count, sizeof(*held));
	uint32_t count = 0;

	if (words[0] && words[1] && kernel_trusts_node_len(session, words[0], words[1]))
		for (uint32_t i = 0; i < session->packets.count; i++)
			count += held[i] = node_len_lies(&session->packets.list[i]);
	if (count)
		printf("kernel    trusts NodeLen: %u packets are kept from it\n", count);
	return held;
}

/* A router without IOAM counts the hop, and takes away what is behind the packet's own length; nothing else. */
static void plain_check(const struct packet *packet, const struct answer *answer)
{
	for (uint32_t i = 0; i < answer->len; i++)
		if (answer->octets[i] != packet->octets[i] - (i == 7))
			errx(1, "plain: octet %u of a packet is changed, %s", i, packet->family);
}

static void reference_check(struct session *session, const struct plane *plane)
{
	uint32_t came = 0;

	for (uint32_t i = 0; i < session->packets.count; i++) {
		came += plane->answers[i].came;
		if (strcmp(plane->name, "plain") == 0)
			plain_check(&session->packets.list[i], &plane->answers[i]);
		if (plane->answers[i].twice)
			errx(1, "%s: packet %u came twice", plane->name, i);
	}
	printf("%-9s %u of %u packets came\n", plane->name, came, session->packets.count);
}

static void plane_judge(struct session *session, struct plane *plane)
{
	char complaint[COMPLAINT_LEN];
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < session->packets.count; i++)
		if (!judge_packet(&session->judge, plane, i, complaint) && wrong++ < SHOWN_MAX)
			complaint_print(session, plane, i, complaint);
	printf("%-9s %llu as the kernel, %llu dropped by Linux in any case", plane->name,
	       (unsigned long long)plane->same, (unsigned long long)plane->absent);
	for (int i = 0; i < DIFFERENCE_COUNT; i++)
		if (plane->differed[i])
			printf(", %s %llu", difference_name(i), (unsigned long long)plane->differed[i]);
	printf("; %u wrong\n", wrong);
	session->failed |= wrong;
}

static void untouched_judge(struct session *session, const struct plane *plane)
{
	char complaint[COMPLAINT_LEN];
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < session->packets.count; i++)
		if (!judge_untouched(&session->judge, plane, i, complaint) && wrong++ < SHOWN_MAX)
			complaint_print(session, plane, i, complaint);
	printf("%-9s all as plain Linux; %u wrong\n", plane->name, wrong);
	session->failed |= wrong;
}

/* Every counter for what is malformed must have been met. */
static void outcomes_check(struct session *session, const struct plane *plane)
{
	for (int i = OUTCOME_bad_truncated; i < OUTCOME_bad_node_data; i++)
		if (!plane->outcomes[i]) {
			printf("FAILED: %s: outcome %d never occurred\n", plane->name, i);
			session->failed = true;
		}
}

/* A difference that is on the list occurs with some plane. */
static void differences_check(struct session *session)
{
	for (int i = 0; i < DIFFERENCE_COUNT; i++) {
		uint64_t seen = 0;

		for (unsigned int j = 0; j < session->count; j++)
			seen += session->planes[j].differed[i];
		printf("difference %-18s %llu\n", difference_name(i), (unsigned long long)seen);
		if (!seen) {
			printf("FAILED: it never occurred\n");
			session->failed = true;
		}
	}
}

/* tshark reads only what a node of ours has written to: what is malformed it would call so, and rightly. */
static void capture_write(const struct session *session, const char *path)
{
	FILE *file = pcap_create(path);
	uint32_t left_out = 0;

	for (unsigned int i = 0; i < session->count; i++)
		for (uint32_t j = 0; j < session->packets.count; j++) {
			const struct answer *answer = &session->planes[i].answers[j];

			if (!answer->came || !answer->ran ||
			    (answer->outcome != OUTCOME_appended && answer->outcome != OUTCOME_no_room))
				continue;
			if (tshark_is_misled(&session->packets.list[j]))
				left_out++;
			else
				pcap_add(file, 0, answer->octets, answer->len, answer->came_ns);
		}
	if (fclose(file))
		err(1, "%s", path);
	printf("capture   without %u where tshark is misled by others' options\n", left_out);
}

static void plane_ours(struct session *session, const char *name, char ***words)
{
	struct plane *plane = plane_add(session, name);

	plane->by_trace = strcmp(name, "xdp") != 0;
	plane->ahead_s = (uint32_t)leap_seconds(time(NULL));
	plane_pass(session, plane, NULL, words);
	run_program(&session->packets, (uint32_t)strtoul(word_next(words), NULL, 10), "transit_count", plane->answers);
	plane_judge(session, plane);
	outcomes_check(session, plane);
	session->judge.ours = plane;
}

static uint32_t tags_parse(const char *word)
{
	unsigned long tags = strtoul(word, NULL, 10);

	if (tags > PCAP_TAGS_MAX)
		errx(2, "at most %d tags", PCAP_TAGS_MAX);
	return (uint32_t)tags;
}

static void plane_dpdk(struct session *session, const char *name, char ***words)
{
	struct plane *plane = plane_add(session, name);
	const char *path = word_next(words);
	uint32_t tags = tags_parse(word_next(words));

	plane->bump = true;
	plane->ahead_s = (uint32_t)leap_seconds(time(NULL));
	pcap_read(path, tags, &session->packets, strtoull(word_next(words), NULL, 10), plane->answers);
	plane_judge(session, plane);
}

static void plane_reference(struct session *session, const char *name, char ***words)
{
	struct plane *plane = plane_add(session, name);
	bool *held;

	plane->is_kernel = true;
	held = strcmp(name, "kernel") == 0 ? held_choose(session, *words) : NULL;
	plane_pass(session, plane, held, words);
	free(held);
	reference_check(session, plane);
	session->judge = (struct judge){ &session->packets, &session->planes[0], &session->planes[1], NULL };
}

static void judge_words(struct session *session, char **words)
{
	while (*words) {
		const char *word = word_next(&words);

		if (strcmp(word, "kernel") == 0 || strcmp(word, "plain") == 0) {
			plane_reference(session, word, &words);
		} else if (strcmp(word, "xdp") == 0 || strcmp(word, "tc") == 0 || strcmp(word, "pages") == 0) {
			plane_ours(session, word, &words);
		} else if (strcmp(word, "dpdk") == 0) {
			plane_dpdk(session, word, &words);
		} else if (strcmp(word, "untouched") == 0) {
			struct plane *plane = plane_add(session, word);

			plane_pass(session, plane, NULL, &words);
			untouched_judge(session, plane);
		} else if (strcmp(word, "capture") == 0) {
			capture_write(session, word_next(&words));
		} else if (strcmp(word, "wrong") == 0) {
			session->failed |=
			    !wrong_all_caught(&session->judge, word_next(&words), (uint32_t)leap_seconds(time(NULL)));
		} else {
			errx(2, "%s: not one of the words", word);
		}
		fflush(stdout);
	}
	differences_check(session);
}

static void packets_write(const struct packets *packets, const char *path, uint32_t tags)
{
	FILE *file = pcap_create(path);

	for (uint32_t i = 0; i < packets->count; i++)
		pcap_add(file, tags, packets->list[i].octets, packets->list[i].len, i);
	if (fclose(file))
		err(1, "%s", path);
}

int main(int argc, char **argv)
{
	struct session session = { 0 };
	uint64_t random;

	if (argc == 3 && strcmp(argv[1], "tcx") == 0)
		return printf("%u\n", run_tcx_program(argv[2])) < 0;
	if (argc < 5)
		errx(2, "differ packets|judge SEED MUTATIONS ...; main.c says more");
	random = strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15 + 1;
	session.packets.run = random_next(&random);
	families_add(&session.packets, &random);
	mutations_add(&session.packets, (uint32_t)strtoul(argv[3], NULL, 10), &random);
	if (strcmp(argv[1], "packets") == 0)
		packets_write(&session.packets, argv[4], tags_parse(argc > 5 ? argv[5] : "0"));
	else
		judge_words(&session, argv + 4);
	for (unsigned int i = 0; i < session.count; i++)
		answers_free(session.planes[i].answers, session.packets.count);
	return session.failed;
}
