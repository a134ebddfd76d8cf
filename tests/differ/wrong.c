/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Nodes in shared objects, in the place of a dataplane. */
#include "wrong.h"

#include <dlfcn.h>
#include <err.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node.h"

#define NS_PER_S 1000000000ULL

struct node {
	__typeof__(node_arrive) *arrive;
	__typeof__(node_depart) *depart;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* One packet through the node, as a router forwards it: plain Linux says whether and how long. */
static struct answer node_pass(const struct node *node, const struct packet *packet, const struct answer *plain,
			       uint64_t ahead_ns)
{
	static uint8_t after[PACKET_LEN_MAX], octets[PACKET_LEN_MAX];
	struct answer answer = { .ran = packet->len >= 40,
				 .outcomes = 1,
				 .after = after,
				 .after_len = packet->len,
				 .sent_ns = now_ns(),
				 .octets = octets,
				 .came = plain->came,
				 .len = plain->len };
	struct stay stay;
	int outcome;

	memcpy(after, packet->octets, packet->len);
	outcome = node->arrive(after, packet->len, answer.sent_ns + ahead_ns, &stay);
	answer.passed = outcome >= 0;
	answer.outcome = outcome < 0 ? OUTCOME_COUNT : (enum outcome)outcome;
	memcpy(octets, after, plain->len);
	octets[7]--;
	node->depart(octets, plain->len, now_ns() + ahead_ns, &stay);
	answer.came_ns = now_ns();
	return answer;
}

/* The number of packets on which it is caught, and the first complaint. */
static uint32_t node_judge(const struct judge *judge, struct plane *plane, const struct node *node,
			   char complaint[COMPLAINT_LEN])
{
	char another[COMPLAINT_LEN] = "";
	uint32_t caught = 0;

	for (uint32_t i = 0; i < judge->packets->count; i++) {
		plane->answers[i] =
		    node_pass(node, &judge->packets->list[i], &judge->plain->answers[i], plane->ahead_s * NS_PER_S);
		if (!judge_packet(judge, plane, i, caught ? another : complaint))
			caught++;
		plane->answers[i] = (struct answer){ 0 };
	}
	return caught;
}

static struct node node_load(const char *path)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	struct node node;

	if (!object)
		errx(1, "%s", dlerror());
	node.arrive = (__typeof__(node.arrive))dlsym(object, "node_arrive");
	node.depart = (__typeof__(node.depart))dlsym(object, "node_depart");
	if (!node.arrive || !node.depart)
		errx(1, "%s: no node", path);
	return node;
}

static bool node_check(const struct judge *judge, const char *path, struct answer *answers, uint32_t ahead_s)
{
	struct plane plane = { .name = "node", .answers = answers, .ahead_s = ahead_s };
	struct node node = node_load(path);
	char complaint[COMPLAINT_LEN] = "";
	const char *name = strrchr(path, '/') + 1;
	bool right = strcmp(name, "right.so") == 0;
	uint32_t caught = node_judge(judge, &plane, &node, complaint);

	printf("  %-28.*s %8u  %s\n", (int)strcspn(name, "."), name, caught, complaint);
	if (right == (caught == 0))
		return true;
	printf("FAILED: %s\n", right ? "a node that is right is found wrong" : "a node that is wrong is not caught");
	return false;
}

bool wrong_all_caught(const struct judge *judge, const char *folder, uint32_t ahead_s)
{
	struct answer *answers = calloc(judge->packets->count, sizeof(*answers));
	char pattern[4096];
	bool all = true;
	glob_t paths;

	snprintf(pattern, sizeof(pattern), "%s/*.so", folder);
	if (glob(pattern, 0, NULL, &paths))
		errx(1, "%s: no nodes", folder);
	printf("wrong nodes, the packets on which they are caught, the first complaint\n");
	for (size_t i = 0; i < paths.gl_pathc; i++)
		all &= node_check(judge, paths.gl_pathv[i], answers, ahead_s);
	globfree(&paths);
	free(answers);
	return all;
}
