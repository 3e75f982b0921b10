// SPDX-License-Identifier: MIT
// Requests that wait, in order of arrival.
#pragma once

#include <tessera/lib/server.h>

struct request_list {
    struct ts_request *first, *last;
};

void requests_append(struct request_list *list, struct ts_request *request);

// False: it is not in it.
bool request_take_out(struct request_list *list, struct ts_request *request);

void request_take_first(struct request_list *list); // which there is
