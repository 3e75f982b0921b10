// SPDX-License-Identifier: MIT
#include <tessera/lib/request_list.h>

bool ts_request_list_remove(struct ts_request_list *list, const struct ts_request *request)
{
    struct ts_request *before = NULL, *at = list->first;
    while (at != NULL && at != request) {
        before = at;
        at = at->next;
    }
    if (at == NULL) {
        return false;
    }
    *(before != NULL ? &before->next : &list->first) = at->next;
    if (list->last == at) {
        list->last = before;
    }
    return true;
}
