// SPDX-License-Identifier: MIT
// Names to addresses, by lwIP's DNS client.
#pragma once

#include <tessera/lib/server.h>

// RESOLVE: answers the request, now or later.
void resolve_call(struct ts_request *request);

// The client gives a kept question up.
void resolve_cancel(struct ts_request *request);
