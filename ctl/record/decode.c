/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* hopspan decode: capture file -> frames -> records -> a JSON line each. */
#include "decode.h"

#include <errno.h>
#include <jansson.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "frame.h"

struct words {
	const char *file, *nodes;
};

static int words_read(int argc, char **argv, struct words *words)
{
	if (argc < 1)
		return misuse(command_of(cmd_decode), "FILE.pcap is missing");
	words->file = argv[0];
	for (int i = 1; i < argc; i += 2) {
		if (strcmp(argv[i], "nodes") != 0)
			return misuse(command_of(cmd_decode), "no word \"%s\"", argv[i]);
		if (i + 1 == argc)
			return misuse(command_of(cmd_decode), "nodes: FILE is missing");
		words->nodes = argv[i + 1];
	}
	return 0;
}

static void record_print(const struct record *record, struct nodes *nodes)
{
	json_t *json = record_json(record, nodes);

	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}

/* A frame that holds no IPv6, or no stamped packet, is passed over. */
static enum outcome frame_decode(int dlt, const struct pcap_pkthdr *header, const uint8_t *frame, struct nodes *nodes)
{
	struct record record = { .time_unix_ns = header->ts.tv_sec * 1000000000LL + header->ts.tv_usec };
	enum outcome outcome;
	const uint8_t *packet;
	size_t len;

	packet = frame_find_ipv6(dlt, frame, header->caplen, &len);
	if (!packet)
		return OUTCOME_pass;
	outcome = record_decode(packet, len, &record);
	if (outcome == OUTCOME_recorded) {
		record_times(&record, nodes);
		record_print(&record, nodes);
	}
	return outcome;
}

static void malformed_print(const char *file, const unsigned long long *counts)
{
#define OUTCOME_NAME(name, text) #name,
	static const char *const names[] = { OUTCOME_LIST(OUTCOME_NAME) };
	const char *before = "malformed packets: ";

	for (unsigned int i = 0; i < OUTCOME_COUNT; i++) {
		if (strncmp(names[i], "bad_", 4) != 0 || !counts[i])
			continue;
		if (*before == 'm')
			fprintf(stderr, "%s: ", file);
		fprintf(stderr, "%s%llu %s", before, counts[i], names[i]);
		before = ", ";
	}
	if (*before != 'm')
		fputc('\n', stderr);
}

static int file_decode(pcap_t *pcap, const char *file, struct nodes *nodes)
{
	unsigned long long counts[OUTCOME_COUNT] = { 0 };
	int dlt = pcap_datalink(pcap), more;
	const char *name = pcap_datalink_val_to_name(dlt);
	struct pcap_pkthdr *header;
	const uint8_t *frame;

	if (!frame_known(dlt)) {
		fprintf(stderr, "%s: no way to read packets of link type %d (%s)\n", file, dlt, name ? name : "?");
		return EXIT_FAILED;
	}
	while ((more = pcap_next_ex(pcap, &header, &frame)) == 1)
		counts[frame_decode(dlt, header, frame, nodes)]++;
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "standard output: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	malformed_print(file, counts);
	if (more == PCAP_ERROR_BREAK) /* the end */
		return EXIT_DONE;
	fprintf(stderr, "%s: %s\n", file, pcap_geterr(pcap));
	return EXIT_FAILED;
}

int cmd_decode(const struct options *options, int argc, char **argv)
{
	struct words words = { 0 };
	char why[PCAP_ERRBUF_SIZE];
	struct nodes *nodes;
	pcap_t *pcap;
	int status = words_read(argc, argv, &words);

	(void)options; /* it is JSON in any case */
	if (status)
		return status;
	if (nodes_read(words.nodes, &nodes))
		return EXIT_FAILED;
	pcap = pcap_open_offline_with_tstamp_precision(words.file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!pcap) {
		/* libpcap names the file only where it could not be opened */
		bool named = strncmp(why, words.file, strlen(words.file)) == 0;

		fprintf(stderr, "%s%s%s\n", named ? "" : words.file, named ? "" : ": ", why);
		nodes_free(nodes);
		return EXIT_FAILED;
	}
	status = file_decode(pcap, words.file, nodes);
	pcap_close(pcap);
	nodes_free(nodes);
	return status;
}
