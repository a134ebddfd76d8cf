/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The classic format: a file header of 24 octets, 16 in front of each frame, in the order of this machine. */
#include "pcap.h"

#include <err.h>
#include <string.h>

enum { MAGIC_NS = 0xa1b23c4d, MAGIC_US = 0xa1b2c3d4, LINK_ETHERNET = 1, NS_PER_S = 1000000000 };
enum {
	ADDRESSES_LEN = 12,
	TAG_LEN = 4,
	TYPE_LEN = 2,
	LINK_LEN_MAX = ADDRESSES_LEN + PCAP_TAGS_MAX * TAG_LEN + TYPE_LEN
};

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

/* What is in front of the packet: addresses, tags, type. */
static uint32_t link_fill(uint8_t *link, uint32_t tags)
{
	static const uint8_t addresses[ADDRESSES_LEN] = { 2, 0x68, 0, 0, 0, 1, 2, 0x68, 0, 0, 0, 2 };
	static const uint8_t all[PCAP_TAGS_MAX][TAG_LEN] = { { 0x88, 0xa8, 0xb0, 5 }, { 0x81, 0, 0x60, 6 } };
	static const uint8_t type[TYPE_LEN] = { 0x86, 0xdd };
	uint32_t tags_len = tags * TAG_LEN;

	memcpy(link, addresses, ADDRESSES_LEN);
	memcpy(link + ADDRESSES_LEN, all[PCAP_TAGS_MAX - tags], tags_len);
	memcpy(link + ADDRESSES_LEN + tags_len, type, TYPE_LEN);
	return ADDRESSES_LEN + tags_len + TYPE_LEN;
}

void pcap_add(FILE *file, uint32_t tags, const uint8_t *octets, uint32_t len, uint64_t at_ns)
{
	uint8_t link[LINK_LEN_MAX];
	uint32_t link_len = link_fill(link, tags);
	struct frame_header header = { (uint32_t)(at_ns / NS_PER_S), (uint32_t)(at_ns % NS_PER_S), len + link_len,
				       len + link_len };

	fwrite(&header, sizeof(header), 1, file);
	fwrite(link, link_len, 1, file);
	fwrite(octets, len, 1, file);
}

/* Of whose frame is it? -1: of none, or the front of it has changed. */
static int64_t frame_number(const struct packets *packets, uint32_t tags, const uint8_t *frame, uint32_t len)
{
	uint8_t link[LINK_LEN_MAX];
	uint32_t link_len = link_fill(link, tags);

	if (len < link_len || memcmp(frame, link, link_len) != 0)
		return -1;
	return packets_number(packets, frame + link_len, len - link_len);
}

void pcap_read(const char *path, uint32_t tags, const struct packets *packets, uint64_t sent_ns, struct answer *answers)
{
	static uint8_t frame[1 << 16];
	uint32_t link_len = ADDRESSES_LEN + tags * TAG_LEN + TYPE_LEN;
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
		int64_t number = frame_number(packets, tags, frame, next.kept);

		if (number >= 0 && number < packets->count)
			answer_came(&answers[number], frame + link_len, next.kept - link_len,
				    (uint64_t)next.s * NS_PER_S + part_ns);
	}
	fclose(file);
}
