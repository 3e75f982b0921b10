// SPDX-License-Identifier: MIT
// Requests that a server keeps, in the order in which it put them there. Zero-initialise.
#pragma once

#include <tessera/lib/server.h>

struct ts_request_list {
    struct ts_request *first, *last; // last: not said of an empty one
};

static inline void ts_request_list_add(struct ts_request_list *list, struct ts_request *request)
{
    request->next = NULL;
    if (list->first != NULL) {
        list->last->next = request;
    } else {
        list->first = request;
    }
    list->last = request;
}

// The first leaves; NULL: the list is empty.
static inline struct ts_request *ts_request_list_take(struct ts_request_list *list)
{
    struct ts_request *request = list->first;
    if (request != NULL) {
        list->first = request->next;
    }
    return request;
}

// This one leaves. False: it is not there.
bool ts_request_list_remove(struct ts_request_list *list, const struct ts_request *request);
