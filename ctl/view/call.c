/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Spans -> calls: which transfers belong together, and how a client span's time divides. */
#include "call.h"

#include <string.h>

/* Four times that does not overflow, and names nothing. */
#define CLOCK_ERROR_MAX_NS (INT64_MAX / 8)

struct finder {
	struct arena *arena;
	const struct tree *tree;
	struct call *calls;
	size_t count;
	bool *taken; /* per node: a reply that has its request */
};

static const struct span *parent_of(const struct tree *tree, size_t place)
{
	size_t parent = tree->nodes[place].parent;

	return parent == TREE_NONE ? NULL : tree->nodes[parent].span;
}

static bool is_transfer(const struct span *span, const char *direction)
{
	return span_is_network(span, "transfer") &&
	       strcmp(attr_get_string(&span->attrs, "hopspan.direction", ""), direction) == 0;
}

static bool same_parent(const struct span *a, const struct span *b)
{
	return memcmp(a->parent_id, b->parent_id, SPAN_ID_LEN) == 0;
}

static bool same_end(const struct span *a, const char *a_key, const struct span *b, const char *b_key)
{
	const struct span_attr *x = attr_find(&a->attrs, a_key), *y = attr_find(&b->attrs, b_key);

	if (!x || !y)
		return true;
	if (x->type != y->type)
		return false;
	return x->type == ATTR_INT ? x->integer == y->integer
				   : x->type == ATTR_STRING && strcmp(x->string, y->string) == 0;
}

/* Whether addresses and ports, as far as they are known, are turned round. */
static bool answers(const struct span *reply, const struct span *request)
{
	return same_end(reply, "source.address", request, "destination.address") &&
	       same_end(reply, "source.port", request, "destination.port") &&
	       same_end(reply, "destination.address", request, "source.address") &&
	       same_end(reply, "destination.port", request, "source.port");
}

/* The reply names the client span, or the server span below it. */
static size_t find_reply(const struct finder *finder, size_t request)
{
	const struct tree *tree = finder->tree;
	const struct span *asked = tree->nodes[request].span, *client = parent_of(tree, request);

	for (size_t i = 0; i < tree->count; i++) {
		const struct span *span = tree->nodes[i].span, *parent = parent_of(tree, i);

		if (finder->taken[i] || !is_transfer(span, "reply") || !answers(span, asked))
			continue;
		if (same_parent(span, asked) ||
		    (client && parent && memcmp(parent->parent_id, client->id, SPAN_ID_LEN) == 0))
			return i;
	}
	return TREE_NONE;
}

static int64_t distance(const struct span *server, int64_t unix_ns)
{
	int64_t away;

	if (__builtin_sub_overflow(server->start_unix_ns, unix_ns, &away) || away == INT64_MIN)
		return INT64_MAX;
	return away < 0 ? -away : away;
}

/* Of the client span's children the server's span; of several the one that began when the request came. */
static const struct span *find_server(const struct tree *tree, const struct call *call)
{
	size_t client = tree_find(tree, call->client);
	int64_t came = call->request ? call->request->end_unix_ns : call->client->start_unix_ns;
	const struct span *server = NULL;

	for (size_t i = client + 1; i < tree->nodes[client].end; i++) {
		const struct span *span = tree->nodes[i].span;

		if (tree->nodes[i].parent != client || span_is_network(span, NULL))
			continue;
		if (span->kind != SPAN_SERVER && span->kind != SPAN_CONSUMER &&
		    strcmp(span->service, call->client->service) == 0)
			continue;
		if (!server || distance(span, came) < distance(server, came))
			server = span;
	}
	return server;
}

const char *transfer_host(const struct span *transfer, bool reached, const char *otherwise)
{
	const struct span_attr *path = transfer ? attr_find(&transfer->attrs, "hopspan.path") : NULL;

	if (!path || path->type != ATTR_STRINGS || !path->strings.count)
		return otherwise;
	return path->strings.list[reached ? path->strings.count - 1 : 0];
}

static int64_t clock_error(const struct span *transfer)
{
	int64_t error_ns = transfer ? attr_get_int(&transfer->attrs, "hopspan.clock_error_ns", 0) : 0;

	return error_ns <= 0 ? 0 : error_ns < CLOCK_ERROR_MAX_NS ? error_ns : CLOCK_ERROR_MAX_NS;
}

static void add_segment(struct call *call, struct segment segment)
{
	if (segment.time_ns > 0)
		call->segments[call->segment_count++] = segment;
}

static bool is_row(const struct span *span)
{
	return span_is_network(span, "node") || span_is_network(span, "link") || span_is_network(span, "hop");
}

/* Where the rows are: below the transfer, or below its slowest packet. */
static size_t rows_parent(const struct tree *tree, size_t transfer)
{
	size_t found = transfer;

	for (size_t i = transfer + 1; i < tree->nodes[transfer].end; i++) {
		const struct span *span = tree->nodes[i].span;

		if (!span_is_network(span, "packet"))
			continue;
		if (strcmp(span->name, "slowest packet") == 0)
			return i;
		if (found == transfer)
			found = i;
	}
	return found;
}

static int64_t add_rows(struct call *call, const struct tree *tree, size_t transfer)
{
	size_t parent = rows_parent(tree, transfer);
	int64_t error_ns = clock_error(tree->nodes[transfer].span), excess_ns = 0;

	for (size_t i = parent + 1; i < tree->nodes[parent].end; i++) {
		const struct span *span = tree->nodes[i].span;
		int64_t time_ns = span_time(span), usual_ns = span_usual(span);

		if (tree->nodes[i].parent != parent || !is_row(span))
			continue;
		struct segment row = {
			.kind = SEGMENT_ROW,
			.span = span,
			.time_ns = time_ns,
			.usual_ns = usual_ns,
			.excess_ns = usual_ns >= 0 && time_ns > usual_ns ? time_ns - usual_ns : 0,
			.clock_error_ns = span_is_network(span, "node") ? 0 : error_ns,
		};
		add_segment(call, row);
		excess_ns += row.excess_ns;
	}
	return excess_ns;
}

static void add_transfer(struct call *call, const struct tree *tree, const struct span *transfer)
{
	int64_t usual_ns, time_ns, rows_ns;

	if (!transfer)
		return;
	usual_ns = span_usual(transfer);
	time_ns = span_time(transfer);
	rows_ns = add_rows(call, tree, tree_find(tree, transfer));
	call->network_ns += time_ns;
	call->network_excess_ns += usual_ns < 0 ? rows_ns : time_ns > usual_ns ? time_ns - usual_ns : 0;
	call->network_usual_ns = usual_ns < 0 || call->network_usual_ns < 0 ? -1 : call->network_usual_ns + usual_ns;
	if (clock_error(transfer) > call->clock_error_ns)
		call->clock_error_ns = clock_error(transfer);
}

static int64_t overlap(const struct span *span, int64_t from_ns, int64_t to_ns)
{
	int64_t start = span->start_unix_ns > from_ns ? span->start_unix_ns : from_ns;
	int64_t end = span->end_unix_ns < to_ns ? span->end_unix_ns : to_ns;

	return end > start ? end - start : 0;
}

/* Time on a host, less what other spans below the client span (work of its own, a loss) explain. */
static void add_host(struct call *call, const struct tree *tree, struct segment host, int64_t from_ns, int64_t to_ns)
{
	size_t client = tree_find(tree, call->client);

	if (from_ns <= 0 || to_ns <= from_ns)
		return;
	host.time_ns = to_ns - from_ns;
	for (size_t i = client + 1; i < tree->nodes[client].end; i++) {
		const struct span *span = tree->nodes[i].span;

		if (tree->nodes[i].parent == client && span != call->server && span != call->request &&
		    span != call->reply)
			host.time_ns -= overlap(span, from_ns, to_ns);
		if (host.time_ns <= 0)
			return;
	}
	host.usual_ns = -1;
	host.excess_ns = host.time_ns;
	add_segment(call, host);
}

static void add_hosts(struct call *call, const struct tree *tree)
{
	const struct span *client = call->client, *request = call->request, *reply = call->reply,
			  *server = call->server;
	struct segment near = {
		.kind = SEGMENT_HOST,
		.host = transfer_host(request, false, transfer_host(reply, true, client->service)),
		.when = "from the start of its span to the first packet",
	};
	struct segment far = {
		.kind = SEGMENT_HOST,
		.host = transfer_host(request, true, transfer_host(reply, false, server ? server->service : "")),
		.clock_error_ns = call->clock_error_ns,
		.when = "from arrival to the start of its span",
	};

	if (request)
		add_host(call, tree, near, client->start_unix_ns, request->start_unix_ns);
	if (request && server)
		add_host(call, tree, far, request->end_unix_ns, server->start_unix_ns);
	far.when = "from the end of its span to the first packet of the reply";
	if (reply && server)
		add_host(call, tree, far, server->end_unix_ns, reply->start_unix_ns);
	near.when = "from arrival to the end of its span";
	if (reply)
		add_host(call, tree, near, reply->end_unix_ns, client->end_unix_ns);
}

static void add_losses(struct call *call, const struct tree *tree)
{
	size_t client = tree_find(tree, call->client);

	for (size_t i = client + 1; i < tree->nodes[client].end; i++) {
		const struct span *span = tree->nodes[i].span;
		int64_t time_ns = span_duration(span);

		if (tree->nodes[i].parent != client || !span_is_network(span, "retransmission"))
			continue;
		add_segment(call, (struct segment){ SEGMENT_LOST, span, .time_ns = time_ns, .usual_ns = -1,
						    .excess_ns = time_ns });
	}
}

static size_t count_losses(const struct tree *tree, const struct span *client)
{
	size_t count = 0;

	for (size_t i = 0; i < tree->count; i++)
		count +=
		    client && parent_of(tree, i) == client && span_is_network(tree->nodes[i].span, "retransmission");
	return count;
}

static size_t subtree_size(const struct tree *tree, const struct span *span)
{
	size_t place = tree_find(tree, span);

	return place == TREE_NONE ? 0 : tree->nodes[place].end - place;
}

static void add_call(struct finder *finder, struct call call)
{
	const struct tree *tree = finder->tree;
	size_t most =
	    4 + count_losses(tree, call.client) + subtree_size(tree, call.request) + subtree_size(tree, call.reply);

	if (call.client && span_is_network(call.client, NULL))
		call.client = NULL;
	call.segments = arena_alloc(finder->arena, most * sizeof(*call.segments));
	if (call.client)
		call.server = find_server(tree, &call);
	add_transfer(&call, tree, call.request);
	add_transfer(&call, tree, call.reply);
	if (call.client) {
		add_hosts(&call, tree);
		add_losses(&call, tree);
	}
	call.of_ns = call.client ? span_duration(call.client) : call.network_ns;
	finder->calls[finder->count++] = call;
}

static bool has_call(const struct finder *finder, const struct span *client)
{
	for (size_t i = 0; i < finder->count; i++)
		if (finder->calls[i].client == client)
			return true;
	return false;
}

/* What a call without any transfer still has to say: a loss. */
static void add_lost_calls(struct finder *finder)
{
	const struct tree *tree = finder->tree;

	for (size_t i = 0; i < tree->count; i++) {
		const struct span *client = parent_of(tree, i);

		if (client && span_is_network(tree->nodes[i].span, "retransmission") && !has_call(finder, client))
			add_call(finder, (struct call){ .client = client });
	}
}

struct call *calls_find(struct arena *arena, const struct tree *tree, size_t *count)
{
	struct finder finder = { arena, tree, .taken = arena_alloc(arena, tree->count + 1) };

	finder.calls = arena_alloc(arena, (tree->count + 1) * sizeof(*finder.calls));
	for (size_t i = 0; i < tree->count; i++) {
		struct call call = { .client = parent_of(tree, i), .request = tree->nodes[i].span };
		size_t reply;

		if (!is_transfer(call.request, "request"))
			continue;
		reply = find_reply(&finder, i);
		if (reply != TREE_NONE) {
			finder.taken[reply] = true;
			call.reply = tree->nodes[reply].span;
		}
		add_call(&finder, call);
	}
	for (size_t i = 0; i < tree->count; i++)
		if (!finder.taken[i] && is_transfer(tree->nodes[i].span, "reply"))
			add_call(&finder, (struct call){ .client = parent_of(tree, i), .reply = tree->nodes[i].span });
	add_lost_calls(&finder);
	*count = finder.count;
	return finder.calls;
}
