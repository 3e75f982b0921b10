// SPDX-License-Identifier: MIT
// Long paths, walked in turns.
//
// A handler that has pulled its paths asks here whether it may go on. A path of at most TREE_STEP
// bytes it walks itself, at once. For a longer one the request is kept, and TREE_STEP bytes of one
// of those that are kept are walked at a time, clients in turn, with a pause after each. At the
// walk's end the handler does what is left: with the same errors, since the walk stops in front of
// what is not there.
//
// Between two turns a walk holds the directory that it has come to. If that is removed, nothing is
// found in it; if it is renamed, the walk goes on in it, as from a handle.
#pragma once

#include "open_node.h"

// What of a request's path is still to be walked, and from where.
struct walk_path {
    struct node *from;
    const char *rest;
    size_t length;
};

#define WALK_PATHS 2u // rename has two

void walk_init(struct ts_loop *loop);

// The same for paths of which one is longer, or was.
bool walk_on(struct ts_request *request, void (*handler)(struct ts_request *),
             struct walk_path *paths, unsigned count);

// True: the handler does what was asked with what `paths` say now, and answers. False: the request
// is kept, and `handler` will be called with it again.
static inline bool walked(struct ts_request *request, void (*handler)(struct ts_request *),
                          struct walk_path *paths, unsigned count)
{
    bool near = request->context == NULL && paths[0].length <= TREE_STEP &&
                (count == 1 || paths[1].length <= TREE_STEP);
    return near || walk_on(request, handler, paths, count);
}

// A kept request ends.
void walk_cancel(struct ts_request *request);

// Where a request's path begins that has been walked before; NULL: none was.
struct node *walk_from(const struct ts_request *request, unsigned path);
