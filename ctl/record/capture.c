/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* libpcap -> frames -> records. */
#include "capture.h"

#include <errno.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "path/netns.h"

enum {
	SNAP_LEN = 2560,	/* the headers of any stamped packet */
	BUFFER_SIZE = 16 << 20, /* some 7000 packets that wait to be read */
	WAKE_MS = 20,
};

/* What may hold an option: a hop-by-hop header behind IPv6's, tagged or not. */
static const char filter[] = "ip6[6] = 0 or (vlan and ip6[6] = 0)";

struct capture {
	pcap_t *pcap;
	char *name;
	int dlt;
	uint64_t outcomes[OUTCOME_COUNT];
};

static int capture_new(const char *name, struct capture **capture)
{
	*capture = calloc(1, sizeof(**capture));
	if (*capture && ((*capture)->name = strdup(name)))
		return 0;
	free(*capture);
	fprintf(stderr, "%s: out of memory\n", name);
	return -ENOMEM;
}

static int link_check(struct capture *capture)
{
	const char *name;

	capture->dlt = pcap_datalink(capture->pcap);
	if (frame_known(capture->dlt))
		return 0;
	name = pcap_datalink_val_to_name(capture->dlt);
	fprintf(stderr, "%s: no way to read packets of link type %d (%s)\n", capture->name, capture->dlt,
		name ? name : "?");
	return -EPROTONOSUPPORT;
}

int capture_open_file(FILE *file, const char *name, struct capture **out)
{
	char why[PCAP_ERRBUF_SIZE];
	struct capture *capture;
	int error = capture_new(name, &capture);

	if (error) {
		fclose(file);
		return error;
	}
	capture->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!capture->pcap) {
		fprintf(stderr, "%s: %s\n", name, why);
		fclose(file);
		error = -EBADMSG;
	}
	if (!error)
		error = link_check(capture);
	if (error)
		capture_close(capture);
	else
		*out = capture;
	return error;
}

static int live_fail(const struct capture *capture, const char *what, int code)
{
	const char *more = pcap_geterr(capture->pcap);

	fprintf(stderr, "%s: %s: %s%s%s\n", capture->name, what, pcap_statustostr(code), *more ? ": " : "", more);
	return -EIO;
}

static int live_filter(struct capture *capture)
{
	struct bpf_program program;
	int code = pcap_compile(capture->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN);

	if (code)
		return live_fail(capture, "filter", code);
	code = pcap_setfilter(capture->pcap, &program);
	pcap_freecode(&program);
	return code ? live_fail(capture, "filter", code) : 0;
}

static int live_start(struct capture *capture, const char *device)
{
	char why[PCAP_ERRBUF_SIZE];
	int code;

	capture->pcap = pcap_create(device, why);
	if (!capture->pcap) {
		fprintf(stderr, "%s: %s\n", capture->name, why);
		return -EIO;
	}
	pcap_set_snaplen(capture->pcap, SNAP_LEN);
	pcap_set_timeout(capture->pcap, WAKE_MS);
	pcap_set_buffer_size(capture->pcap, BUFFER_SIZE);
	pcap_set_tstamp_precision(capture->pcap, PCAP_TSTAMP_PRECISION_NANO);
	code = pcap_activate(capture->pcap);
	if (code < 0)
		return live_fail(capture, "cannot be tapped", code);
	code = pcap_setdirection(capture->pcap, PCAP_D_IN);
	if (code)
		return live_fail(capture, "cannot be asked for incoming packets alone", code);
	if (pcap_setnonblock(capture->pcap, 1, why)) {
		fprintf(stderr, "%s: %s\n", capture->name, why);
		return -EIO;
	}
	return live_filter(capture);
}

int capture_open_live(const char *device, struct capture **out)
{
	const char *slash = strchr(device, '/'), *name = slash ? slash + 1 : device;
	struct capture *capture;
	int error = capture_new(device, &capture), home = -1;

	if (error)
		return error;
	if (slash && (home = netns_enter_name(device, (int)(slash - device))) < 0) {
		error = home;
		fprintf(stderr, "%s: its network namespace: %s\n", device, strerror(-home));
	} else if (if_nametoindex(name) == 0) {
		error = -ENODEV;
		fprintf(stderr, "%s: no such device\n", device);
	}
	if (!error)
		error = live_start(capture, name);
	if (home >= 0)
		netns_leave(home);
	if (!error)
		error = link_check(capture);
	if (error)
		capture_close(capture);
	else
		*out = capture;
	return error;
}

/* A frame that holds no IPv6, or no stamped packet, is passed over. */
static enum outcome frame_take(struct capture *capture, const struct pcap_pkthdr *header, const uint8_t *frame,
			       struct record *record)
{
	const uint8_t *packet;
	size_t len;

	packet = frame_find_ipv6(capture->dlt, frame, header->caplen, &len);
	record->time_unix_ns = header->ts.tv_sec * 1000000000LL + header->ts.tv_usec;
	return packet ? record_decode(packet, len, record) : OUTCOME_pass;
}

int capture_next(struct capture *capture, struct record *record)
{
	struct pcap_pkthdr *header;
	const uint8_t *frame;
	int got;

	while ((got = pcap_next_ex(capture->pcap, &header, &frame)) == 1) {
		enum outcome outcome = frame_take(capture, header, frame, record);

		capture->outcomes[outcome]++;
		if (outcome == OUTCOME_recorded)
			return 1;
	}
	if (got == PCAP_ERROR_BREAK)
		return -ENODATA;
	if (got == 0)
		return 0;
	fprintf(stderr, "%s: %s\n", capture->name, pcap_geterr(capture->pcap));
	return -EIO;
}

int capture_fd(const struct capture *capture)
{
	return pcap_get_selectable_fd(capture->pcap);
}

uint64_t capture_lost(const struct capture *capture)
{
	struct pcap_stat stat;

	return pcap_file(capture->pcap) || pcap_stats(capture->pcap, &stat) ? 0 : stat.ps_drop;
}

uint64_t capture_malformed(const struct capture *capture)
{
	uint64_t packets = 0;

	for (unsigned int i = 0; i < OUTCOME_COUNT; i++)
		if (i != OUTCOME_pass && i != OUTCOME_recorded)
			packets += capture->outcomes[i];
	return packets;
}

const uint64_t *capture_outcomes(const struct capture *capture)
{
	return capture->outcomes;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->pcap)
		pcap_close(capture->pcap);
	free(capture->name);
	free(capture);
}
