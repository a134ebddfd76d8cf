/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The list behind nodes.h, shared by its lookup (nodes.c) and its reader (nodes_yaml.c) alone.
 */
#ifndef HOPSPAN_NODES_LIST_H
#define HOPSPAN_NODES_LIST_H

#include "spans/arena.h"
#include "nodes.h"

struct nodes {
	struct arena arena;    /* all nodes and names */
	void *by_id;	       /* tsearch() trees */
	void *interface_names; /* "if N" depends on N alone */
	unsigned int unlisted, unlisted_interfaces;
};

/* -EEXIST: a node with that id is there. */
int nodes_add(struct nodes *nodes, struct node *node);

#endif
