/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The classic format: a file header of 24 octets, 16 in front of each frame, in the order of this machine. */
#include "pcap.h"

#include <err.h>
#include <string.h>

#include "wire/ipv6.h"

enum { MAGIC_NS = 0xa1b23c4d, MAGIC_US = 0xa1b2c3d4, LINK_ETHERNET = 1, NS_PER_S = 1000000000 };

struct frame_header {
	uint32_t s, part, kept, len;
};

FILE *pcap_create(const char *path)
{
	static const uint32_t header[6] = { MAGIC_NS, 2 | 4 << 16, 0, 0, 65535, LINK_ETHERNET };
	FILE *file = fopen(path, "we");

	if (!file || fwrite(header, sizeof(header), 1, file) != 1)
		err(1, "%s", path);
	return file;
}

void pcap_add(FILE *file, const uint8_t *octets, uint32_t len, uint64_t at_ns)
{
	static const uint8_t link[ETHERNET_LEN] = { 2, 0x68, 0, 0, 0, 1, 2, 0x68, 0, 0, 0, 2, 0x86, 0xdd };
	struct frame_header header = { (uint32_t)(at_ns / NS_PER_S), (uint32_t)(at_ns % NS_PER_S), len + ETHERNET_LEN,
				       len + ETHERNET_LEN };

	fwrite(&header, sizeof(header), 1, file);
	fwrite(link, sizeof(link), 1, file);
	fwrite(octets, len, 1, file);
}

void pcap_read(const char *path, const struct packets *packets, uint64_t sent_ns, struct answer *answers)
{
	static uint8_t frame[1 << 16];
	uint32_t header[6];
	struct frame_header next;
	FILE *file = fopen(path, "re");

	if (!file || fread(header, sizeof(header), 1, file) != 1 || (*header != MAGIC_NS && *header != MAGIC_US))
		err(1, "%s", path);
	for (uint32_t i = 0; i < packets->count; i++)
		answers[i].sent_ns = sent_ns;
	while (fread(&next, sizeof(next), 1, file) == 1 && next.kept <= sizeof(frame) &&
	       fread(frame, next.kept, 1, file) == 1) {
		uint32_t part_ns = *header == MAGIC_NS ? next.part : next.part * 1000 + 999;
		int64_t number = next.kept < ETHERNET_LEN
				     ? -1
				     : packets_number(packets, frame + ETHERNET_LEN, next.kept - ETHERNET_LEN);

		if (number >= 0 && number < packets->count)
			answer_came(&answers[number], frame + ETHERNET_LEN, next.kept - ETHERNET_LEN,
				    (uint64_t)next.s * NS_PER_S + part_ns);
	}
	fclose(file);
}
