// SPDX-License-Identifier: MIT
#include "node.h"

const struct ts_archive *tree_archive;

static struct node nodes[TREE_NODES];
static struct node *free_nodes;

void nodes_init(const struct ts_archive *archive)
{
    tree_archive = archive;
    for (uint32_t i = TREE_NODES; i-- > 0;) {
        node_give(&nodes[i]);
    }
}

struct node *node_take(uint32_t entry)
{
    struct node *node = free_nodes;
    if (node != NULL) {
        free_nodes = node->next_free;
        *node = (struct node){.entry = entry};
    }
    return node;
}

void node_give(struct node *node)
{
    node->next_free = free_nodes;
    free_nodes = node;
}
