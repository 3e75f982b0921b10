// SPDX-License-Identifier: MIT
#include "request_list.h"

void requests_append(struct request_list *list, struct ts_request *request)
{
    request->next = NULL;
    if (list->last != NULL) {
        list->last->next = request;
    } else {
        list->first = request;
    }
    list->last = request;
}

bool request_take_out(struct request_list *list, struct ts_request *request)
{
    struct ts_request *before = NULL;
    for (struct ts_request *r = list->first; r != NULL; before = r, r = r->next) {
        if (r != request) {
            continue;
        }
        if (before != NULL) {
            before->next = r->next;
        } else {
            list->first = r->next;
        }
        if (list->last == r) {
            list->last = before;
        }
        return true;
    }
    return false;
}

void request_take_first(struct request_list *list)
{
    list->first = list->first->next;
    if (list->first == NULL) {
        list->last = NULL;
    }
}
