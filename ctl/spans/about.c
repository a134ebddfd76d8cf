/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sentences about spans. */
#include "about.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "draw.h"
#include "view/unit.h"

/* A sentence that grows; too long a one is cut. */
struct sentence {
	char text[512];
	size_t len;
};

static void add(struct sentence *sentence, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct sentence *sentence, const char *format, ...)
{
	size_t room = sizeof(sentence->text) - sentence->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(sentence->text + sentence->len, room, format, args);
	va_end(args);
	if (len > 0)
		sentence->len += (size_t)len < room ? (size_t)len : room - 1;
}

/* Rounded to 1 us. */
static void add_ms(struct sentence *sentence, int64_t time_ns)
{
	int64_t time_us = (time_ns + 500) / 1000;

	add(sentence, "%" PRId64 ".%03d", time_us / 1000, (int)(time_us % 1000));
}

static const char *finish(struct sentence *sentence, struct arena *arena, int64_t usual_ns)
{
	if (usual_ns >= 0) {
		add(sentence, "; usual ");
		add_ms(sentence, usual_ns);
	}
	return arena_strndup(arena, sentence->text, sentence->len);
}

static const char *node_word(const struct path *path, const struct path_node *node)
{
	return node->position == 0 ? path_sender_word(path) : node->node->name;
}

static const char *next_word(const struct path *path, const struct path_node *node)
{
	return node->next == path->count ? path_receiver_word(path) : path->nodes[node->next].node->name;
}

static const char *queue_text(struct arena *arena, const struct path_node *node)
{
	if (node->node->queue == NODE_QUEUE_BYTES)
		return bytes_text(arena, node->queue);
	return arena_printf(arena, node->node->queue == NODE_QUEUE_PACKETS ? "%u packets" : "a queue of %u",
			    node->queue);
}

static void add_moved(struct sentence *sentence, int64_t shift_ns)
{
	if (shift_ns >= -1000 && shift_ns <= 1000)
		return;
	add(sentence, "; clocks disagree, moved by ");
	add_ms(sentence, shift_ns < 0 ? -shift_ns : shift_ns);
}

/* What happened in the queue, behind "39.800 ms in r1". */
static void add_wait(struct sentence *sentence, struct arena *arena, const struct path_node *node)
{
	const char *egress_if = node->egress_if ? node->egress_if : "its queue";

	if (node->queue == IOAM6_NONE32)
		return;
	if (node->queue == 0) {
		add(sentence, ", nothing queued at %s", egress_if);
	} else if (node->wait_ns < 0) {
		add(sentence, ", waiting for %s behind %s included", egress_if, queue_text(arena, node));
	} else {
		add(sentence, node->wait == WAIT_LOWER_BOUND ? ", at least " : ", ");
		add_ms(sentence, node->wait_ns);
		add(sentence, " of it waiting for %s behind %s", egress_if, queue_text(arena, node));
	}
}

const char *about_stay(struct arena *arena, const struct path *path, const struct path_node *node, int64_t usual_ns)
{
	struct sentence sentence = { .len = 0 };

	add_ms(&sentence, path_left(node) - node->drawn_unix_ns);
	add(&sentence, " ms in %s", node_word(path, node));
	add_wait(&sentence, arena, node);
	add_moved(&sentence, path_shift(node));
	return finish(&sentence, arena, usual_ns);
}

static void add_reason(struct sentence *sentence, struct arena *arena, const struct path_node *node)
{
	const char *egress_if = node->egress_if ? node->egress_if : "its interface";

	if (node->way == WAY_NO_DEPARTURE)
		add(sentence, "no departure time");
	else if (node->way == WAY_DELAY_TOO_LONG)
		add(sentence, "delay too long for its field");
	else if (node->way == WAY_NO_QUEUE)
		add(sentence, "queue of %s not known", egress_if);
	else
		add(sentence, "wait for %s behind %s not known yet", egress_if, queue_text(arena, node));
}

/* Behind the last hop of a full trace are those that had no room; elsewhere those that do not take part. */
static void add_missing(struct sentence *sentence, unsigned int missing, bool overflow)
{
	const char *plural = missing == 1 ? "" : "s";

	if (overflow && missing)
		add(sentence, "; %u router%s had no room", missing, plural);
	else if (overflow)
		add(sentence, "; a node that keeps the hop limit had no room");
	else if (missing)
		add(sentence, "; %u silent router%s between", missing, plural);
}

const char *about_way(struct arena *arena, const struct path *path, const struct path_node *node, int64_t usual_ns)
{
	const char *from = node_word(path, node), *to = next_word(path, node);
	struct sentence sentence = { .len = 0 };

	add_ms(&sentence, path_next(path, node) - path_left(node));
	if (node->way == WAY_SPLIT) {
		add(&sentence, " ms from %s to %s", from, to);
	} else {
		add(&sentence, " ms, ");
		add_reason(&sentence, arena, node);
		add(&sentence, ": stay in %s and way to %s together", from, to);
	}
	add_missing(&sentence, path_silent(path, node), path->overflow && node->next == path->count);
	add_moved(&sentence, path_shift(node) ? path_shift(node) : path_next_shift(path, node));
	return finish(&sentence, arena, usual_ns);
}

const char *about_packet(struct arena *arena, const struct drawing *drawing, const struct path *path,
			 unsigned int shown, int64_t usual_ns)
{
	static const char *const which[] = { "slowest", "first", "last" };
	struct sentence sentence = { .len = 0 };

	add_ms(&sentence, path->end_unix_ns - path->start_unix_ns);
	add(&sentence, " ms from %s to %s, the %s of %" PRIu64 " stamped packets", path_sender_word(path),
	    path_receiver_word(path), which[shown], drawing->packets);
	return finish(&sentence, arena, usual_ns);
}

const char *about_transfer(struct arena *arena, const struct drawing *drawing, const struct worst *worst,
			   int64_t usual_ns)
{
	const struct path *path = drawing->path;
	struct sentence sentence = { .len = 0 };

	add_ms(&sentence, drawing->end_unix_ns - drawing->start_unix_ns);
	add(&sentence, " ms from %s to %s", path_sender_word(path), path_receiver_word(path));
	if (drawing->packets > 1) {
		add(&sentence, " for %" PRIu64 " stamped packets, the slowest ", drawing->packets);
		add_ms(&sentence, drawing->max_ns);
	}
	if (worst->name) {
		add(&sentence, ", ");
		add_ms(&sentence, worst->time_ns);
		add(&sentence, " of it at %s, usual there ", worst->name);
		add_ms(&sentence, worst->usual_ns);
	}
	if (path->clock_error_ns >= 0)
		return finish(&sentence, arena, usual_ns);
	return arena_printf(arena, "%s; clocks not compared: one direction is all that is seen here",
			    finish(&sentence, arena, usual_ns));
}

const char *about_loss(struct arena *arena, int64_t time_ns, uint64_t packets, uint64_t octets)
{
	struct sentence sentence = { .len = 0 };

	add_ms(&sentence, time_ns);
	add(&sentence, " ms until %s again, %s", packets > 1 ? "lost packets were sent" : "a lost packet was sent",
	    bytes_text(arena, octets));
	if (packets > 1)
		add(&sentence, " in %" PRIu64 " packets", packets);
	return finish(&sentence, arena, -1);
}
