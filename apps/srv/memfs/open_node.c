// SPDX-License-Identifier: MIT
#include "open_node.h"
#include <stdlib.h>

struct open_node *open_make(struct tree *tree, struct node *node)
{
    struct open_node *open = calloc(1, sizeof(*open));
    if (open != NULL) {
        open->tree = tree;
        open->node = node_get(node);
        open->references = 1;
    }
    return open;
}

struct open_node *open_get(struct open_node *open)
{
    open->references++;
    return open;
}

void open_put(struct open_node *open)
{
    if (--open->references == 0) {
        node_put(open->tree, open->node);
        free(open);
    }
}
