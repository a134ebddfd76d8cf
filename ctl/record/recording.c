/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Of the next packet of each capture the earliest. */
#include "recording.h"

#include <errno.h>
#include <stdlib.h>

struct track {
	struct capture *capture;
	struct record next;
	int got; /* as capture_next() says */
};

struct recording {
	unsigned int count;
	int error; /* of a capture that is damaged */
	struct track tracks[RECORDING_CAPTURES_MAX];
};

static void track_next(struct recording *recording, struct track *track)
{
	track->got = capture_next(track->capture, &track->next);
	if (track->got < 0 && track->got != -ENODATA)
		recording->error = track->got;
}

struct recording *recording_new(void)
{
	return calloc(1, sizeof(struct recording));
}

int recording_add(struct recording *recording, struct capture *capture)
{
	struct track *track = &recording->tracks[recording->count];

	if (recording->count == RECORDING_CAPTURES_MAX) {
		fprintf(stderr, "more than %d captures at once\n", RECORDING_CAPTURES_MAX);
		capture_close(capture);
		return -E2BIG;
	}
	recording->count++;
	track->capture = capture;
	track_next(recording, track);
	return 0;
}

int recording_next(struct recording *recording, int64_t until_unix_ns, struct record *record)
{
	struct track *first = NULL;
	bool more = false;

	for (unsigned int i = 0; i < recording->count; i++) {
		struct track *track = &recording->tracks[i];

		if (track->got == 0)
			track_next(recording, track);
		more |= track->got >= 0;
		if (track->got == 1 && (!first || track->next.time_unix_ns < first->next.time_unix_ns))
			first = track;
	}
	if (!more)
		return recording->error ? recording->error : -ENODATA;
	if (!first || first->next.time_unix_ns > until_unix_ns)
		return 0;
	*record = first->next;
	track_next(recording, first);
	return 1;
}

uint64_t recording_lost(const struct recording *recording)
{
	uint64_t packets = 0;

	for (unsigned int i = 0; i < recording->count; i++)
		packets += capture_lost(recording->tracks[i].capture);
	return packets;
}

uint64_t recording_malformed(const struct recording *recording)
{
	uint64_t packets = 0;

	for (unsigned int i = 0; i < recording->count; i++)
		packets += capture_malformed(recording->tracks[i].capture);
	return packets;
}

void recording_free(struct recording *recording)
{
	for (unsigned int i = 0; recording && i < recording->count; i++)
		capture_close(recording->tracks[i].capture);
	free(recording);
}
