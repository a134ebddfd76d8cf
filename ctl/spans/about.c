/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sentences about spans. */
#include "about.h"

#include <stdlib.h>

#include "draw.h"
#include "phrase.h"
#include "view/unit.h"

enum { SENTENCE_MAX = 511 }; /* a longer one is cut */

/* Rounded to 1 us. */
static void add_ms(struct phrase *sentence, int64_t time_ns)
{
	if (time_ns < 0)
		phrase_add(sentence, "-");
	phrase_add_number(sentence, (uint64_t)(llabs(time_ns) + 500) / 1000, 3);
}

static void add_usual(struct phrase *sentence, int64_t usual_ns)
{
	if (usual_ns >= 0) {
		phrase_add(sentence, "; usual ");
		add_ms(sentence, usual_ns);
	}
	if (sentence->len > SENTENCE_MAX)
		sentence->len = SENTENCE_MAX;
}

static const char *finish(struct phrase *sentence, int64_t usual_ns)
{
	add_usual(sentence, usual_ns);
	return phrase_end(sentence);
}

static void add_queue(struct phrase *sentence, const struct path_node *node)
{
	enum node_queue unit = node->node->queue;

	if (unit == NODE_QUEUE_BYTES) {
		phrase_add(sentence, bytes_text(sentence->arena, node->queue));
		return;
	}
	phrase_add(sentence, unit == NODE_QUEUE_PACKETS ? "" : "a queue of ");
	phrase_add_number(sentence, node->queue, 0);
	phrase_add(sentence, unit == NODE_QUEUE_PACKETS ? " packets" : "");
}

static void add_moved(struct phrase *sentence, int64_t shift_ns)
{
	if (shift_ns >= -1000 && shift_ns <= 1000)
		return;
	phrase_add(sentence, "; clocks disagree, moved by ");
	add_ms(sentence, shift_ns < 0 ? -shift_ns : shift_ns);
}

/* What happened in the queue, behind "39.800 ms in r1". */
static void add_wait(struct phrase *sentence, const struct path_node *node)
{
	const char *egress_if = node->egress_if ? node->egress_if : "its queue";

	if (node->queue == IOAM6_NONE32)
		return;
	if (node->queue == 0) {
		phrase_add(sentence, ", nothing queued at ", egress_if);
	} else if (node->wait_ns < 0) {
		phrase_add(sentence, ", waiting for ", egress_if, " behind ");
		add_queue(sentence, node);
		phrase_add(sentence, " included");
	} else {
		phrase_add(sentence, node->wait == WAIT_LOWER_BOUND ? ", at least " : ", ");
		add_ms(sentence, node->wait_ns);
		phrase_add(sentence, " of it waiting for ", egress_if, " behind ");
		add_queue(sentence, node);
	}
}

const char *about_stay(struct arena *arena, const struct path *path, const struct path_node *node, int64_t usual_ns)
{
	struct phrase sentence;

	phrase_begin(&sentence, arena);
	add_ms(&sentence, path_left(node) - node->drawn_unix_ns);
	phrase_add(&sentence, " ms in ", path_node_word(path, node));
	add_wait(&sentence, node);
	add_moved(&sentence, path_shift(node));
	return finish(&sentence, usual_ns);
}

static void add_reason(struct phrase *sentence, const struct path_node *node)
{
	const char *egress_if = node->egress_if ? node->egress_if : "its interface";

	if (node->way == WAY_NO_DEPARTURE) {
		phrase_add(sentence, "no departure time");
	} else if (node->way == WAY_DELAY_TOO_LONG) {
		phrase_add(sentence, "delay too long for its field");
	} else if (node->way == WAY_NO_QUEUE) {
		phrase_add(sentence, "queue of ", egress_if, " not known");
	} else {
		phrase_add(sentence, "wait for ", egress_if, " behind ");
		add_queue(sentence, node);
		phrase_add(sentence, " not known yet");
	}
}

/* Behind the last hop of a full trace are those that had no room; elsewhere those that do not take part. */
static void add_missing(struct phrase *sentence, unsigned int missing, bool overflow)
{
	const char *plural = missing == 1 ? "" : "s";

	if (overflow && !missing)
		phrase_add(sentence, "; a node that keeps the hop limit had no room");
	if (!missing)
		return;
	phrase_add(sentence, "; ");
	phrase_add_number(sentence, missing, 0);
	if (overflow)
		phrase_add(sentence, " router", plural, " had no room");
	else
		phrase_add(sentence, " silent router", plural, " between");
}

const char *about_way(struct arena *arena, const struct path *path, const struct path_node *node, int64_t usual_ns)
{
	const char *from = path_node_word(path, node), *to = path_next_word(path, node);
	struct phrase sentence;

	phrase_begin(&sentence, arena);
	add_ms(&sentence, path_next(path, node) - path_left(node));
	if (node->way == WAY_SPLIT) {
		phrase_add(&sentence, " ms from ", from, " to ", to);
	} else {
		phrase_add(&sentence, " ms, ");
		add_reason(&sentence, node);
		phrase_add(&sentence, ": stay in ", from, " and way to ", to, " together");
	}
	add_missing(&sentence, path_silent(path, node), path->overflow && node->next == path->count);
	add_moved(&sentence, path_shift(node) ? path_shift(node) : path_next_shift(path, node));
	return finish(&sentence, usual_ns);
}

static void add_ends(struct phrase *sentence, const struct path *path)
{
	phrase_add(sentence, " ms from ", path_sender_word(path), " to ", path_receiver_word(path));
}

const char *about_packet(struct arena *arena, const struct drawing *drawing, const struct path *path,
			 unsigned int shown, int64_t usual_ns)
{
	static const char *const which[] = { "slowest", "first", "last" };
	struct phrase sentence;

	phrase_begin(&sentence, arena);
	add_ms(&sentence, path->end_unix_ns - path->start_unix_ns);
	add_ends(&sentence, path);
	phrase_add(&sentence, ", the ", which[shown], " of ");
	phrase_add_number(&sentence, drawing->packets, 0);
	phrase_add(&sentence, " stamped packets");
	return finish(&sentence, usual_ns);
}

static void add_slowest(struct phrase *sentence, const struct drawing *drawing)
{
	phrase_add(sentence, " for ");
	phrase_add_number(sentence, drawing->packets, 0);
	phrase_add(sentence, " stamped packets, the slowest ");
	add_ms(sentence, drawing->max_ns);
}

static void add_worst(struct phrase *sentence, const struct worst *worst)
{
	phrase_add(sentence, ", ");
	add_ms(sentence, worst->time_ns);
	phrase_add(sentence, " of it at ", worst->name, ", usual there ");
	add_ms(sentence, worst->usual_ns);
}

const char *about_transfer(struct arena *arena, const struct drawing *drawing, const struct worst *worst,
			   int64_t usual_ns)
{
	struct phrase sentence;

	phrase_begin(&sentence, arena);
	add_ms(&sentence, drawing->end_unix_ns - drawing->start_unix_ns);
	add_ends(&sentence, drawing->path);
	if (drawing->packets > 1)
		add_slowest(&sentence, drawing);
	if (worst->name)
		add_worst(&sentence, worst);
	add_usual(&sentence, usual_ns);
	if (drawing->path->clock_error_ns < 0)
		phrase_add(&sentence, "; clocks not compared: one direction is all that is seen here");
	return phrase_end(&sentence);
}

const char *about_loss(struct arena *arena, int64_t time_ns, uint64_t packets, uint64_t octets)
{
	struct phrase sentence;

	phrase_begin(&sentence, arena);
	add_ms(&sentence, time_ns);
	phrase_add(&sentence, " ms until ", packets > 1 ? "lost packets were sent" : "a lost packet was sent",
		   " again, ", bytes_text(arena, octets));
	if (packets > 1) {
		phrase_add(&sentence, " in ");
		phrase_add_number(&sentence, packets, 0);
		phrase_add(&sentence, " packets");
	}
	return phrase_end(&sentence);
}
