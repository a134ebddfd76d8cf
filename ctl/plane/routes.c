/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copies of routes with a lower MTU, over rtnetlink. */
#include "routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route.h"

enum { MTU_MIN = 1280 }; /* RFC 8200 section 5 */

static bool prefix_covers(const uint8_t *wide, uint32_t len, const uint8_t *narrow, uint32_t narrow_len)
{
	if (narrow_len < len || memcmp(wide, narrow, len / 8) != 0)
		return false;
	return len % 8 == 0 || ((wide[len / 8] ^ narrow[len / 8]) & (uint8_t)(0xff00 >> len % 8)) == 0;
}

/* The policy of what lies behind a route: the longest match. */
static int policy_of_route(const struct policies *policies, const struct route *route)
{
	int found = -1;

	for (unsigned int i = 0; i < policies->count; i++) {
		const struct stamp_prefix *prefix = &policies->prefixes[i];

		if (prefix_covers(prefix->address, prefix->prefix_len, route->address, route->len) &&
		    (found < 0 || prefix->prefix_len > policies->prefixes[found].prefix_len))
			found = (int)i;
	}
	return found;
}

/* Of several to one place the kernel takes the one with the least metric. */
static bool route_is_best(const struct routes *routes, const struct route *route)
{
	for (unsigned int i = 0; i < routes->count; i++) {
		const struct route *other = &routes->list[i];

		if (other != route && !other->ours && other->len == route->len &&
		    memcmp(other->address, route->address, sizeof(route->address)) == 0 &&
		    other->metric < route->metric)
			return false;
	}
	return true;
}

/* The route that packets to all of the prefix take where there is none to a part of it. */
static const struct route *route_over(const struct routes *routes, const struct stamp_prefix *prefix)
{
	const struct route *found = NULL;

	for (unsigned int i = 0; i < routes->count; i++) {
		const struct route *route = &routes->list[i];

		if (!route->ours && route->len < prefix->prefix_len && route_is_best(routes, route) &&
		    prefix_covers(route->address, route->len, prefix->address, prefix->prefix_len) &&
		    (!found || route->len > found->len))
			found = route;
	}
	return found;
}

/* The copy of `from` for the prefix; false: it cannot be, and `why` says so. */
static bool copy_make(struct route *copy, const struct route *from, const struct stamp_prefix *prefix, uint32_t cut,
		      uint32_t device_mtu, const char **why)
{
	uint32_t mtu = from->mtu && from->mtu < device_mtu ? from->mtu : device_mtu;

	*why = from->odd;
	if (from->odd)
		return false;
	*why = "its MTU would fall below 1280";
	if (mtu < MTU_MIN + cut)
		return false;
	*copy = *from;
	if (prefix) {
		memcpy(copy->address, prefix->address, sizeof(copy->address));
		copy->len = prefix->prefix_len;
	} else {
		*why = "no metric is left before it";
		if (--copy->metric == 0)
			return false;
	}
	copy->mtu = mtu - cut;
	copy->ours = true;
	return true;
}

struct lowering {
	const struct routes *routes;
	const char *who, *device;
	int ifindex;
	uint32_t device_mtu;
	struct routes copies; /* of all policies */
};

static bool copy_add(struct lowering *lowering, const struct route *from, const struct stamp_prefix *prefix,
		     uint32_t cut)
{
	struct route *copy = &lowering->copies.list[lowering->copies.count];
	char text[INET6_ADDRSTRLEN];
	const char *why;

	if (from->ifindex == lowering->ifindex && copy_make(copy, from, prefix, cut, lowering->device_mtu, &why)) {
		lowering->copies.count++;
		return true;
	}
	if (from->ifindex == lowering->ifindex) {
		inet_ntop(AF_INET6, from->address, text, sizeof(text));
		fprintf(stderr, "%s: %s: the MTU of route %s/%u stays: %s\n", lowering->who, lowering->device, text,
			from->len, why);
	}
	return false;
}

/* All routes of one policy, or none. */
static void policy_lower(struct lowering *lowering, struct policies *policies, unsigned int policy)
{
	const struct routes *routes = lowering->routes;
	unsigned int before = lowering->copies.count;
	uint32_t cut = encap_len(&policies->policies[policy].shape, policies->policies[policy].hops);
	const struct stamp_prefix *prefix = &policies->prefixes[policy];
	const struct route *over = route_over(routes, prefix);
	bool whole = true;

	for (unsigned int i = 0; i < routes->count && whole; i++) {
		const struct route *route = &routes->list[i];

		if (route->ours || route->ifindex != lowering->ifindex || !route_is_best(routes, route) ||
		    policy_of_route(policies, route) != (int)policy)
			continue;
		whole = copy_add(lowering, route, NULL, cut);
		if (route->len == prefix->prefix_len)
			over = NULL;
	}
	if (whole && over && over->ifindex == lowering->ifindex)
		whole = copy_add(lowering, over, prefix, cut);
	if (!whole)
		lowering->copies.count = before;
	else if (lowering->copies.count > before)
		policies->policies[policy].route_cut = (uint16_t)cut;
}

static const struct route *route_find(const struct routes *routes, const struct route *wanted)
{
	for (unsigned int i = 0; i < routes->count; i++) {
		const struct route *route = &routes->list[i];

		if (route->ours && route->ifindex == wanted->ifindex && route->len == wanted->len &&
		    route->metric == wanted->metric &&
		    memcmp(route->address, wanted->address, sizeof(wanted->address)) == 0)
			return route;
	}
	return NULL;
}

/* New ones first, then those not wanted any more. */
static int copies_put(const struct lowering *lowering)
{
	int error = 0;

	for (unsigned int i = 0; i < lowering->copies.count && !error; i++)
		error = route_put(&lowering->copies.list[i], route_find(lowering->routes, &lowering->copies.list[i]));
	for (unsigned int i = 0; i < lowering->routes->count && !error; i++) {
		const struct route *route = &lowering->routes->list[i];

		if (route->ours && route->ifindex == lowering->ifindex && !route_find(&lowering->copies, route))
			error = route_remove(route);
	}
	return error;
}

int routes_lower(struct policies *policies, const char *who, const char *device, int ifindex)
{
	struct routes routes;
	struct lowering lowering = { .routes = &routes, .who = who, .device = device, .ifindex = ifindex };
	int error = routes_read(&routes);

	if (error)
		goto out;
	lowering.device_mtu = route_device_mtu(device);
	lowering.copies.list = calloc(routes.count + policies->count + 1, sizeof(struct route));
	if (!lowering.copies.list) {
		routes_free(&routes);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < policies->count; i++)
		if (policies->policies[i].trust == STAMP_PROVED)
			policy_lower(&lowering, policies, i);
	error = copies_put(&lowering);
	free(lowering.copies.list);
	routes_free(&routes);
out:
	if (error)
		fprintf(stderr, "%s: %s: routes: %s\n", who, device, strerror(-error));
	return error;
}

int routes_restore(int ifindex)
{
	struct routes routes;
	int error = routes_read(&routes), count = 0;

	if (error)
		return error;
	for (unsigned int i = 0; i < routes.count && !error; i++)
		if (routes.list[i].ours && routes.list[i].ifindex == ifindex) {
			error = route_remove(&routes.list[i]);
			count++;
		}
	routes_free(&routes);
	return error ? error : count;
}
