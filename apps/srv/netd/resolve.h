// SPDX-License-Identifier: MIT
// Names to addresses, by lwIP's DNS client.
#pragma once

#include <tessera/lib/server.h>

#define RESOLVE_MAX 64u // questions at the same time, all sessions

// RESOLVE: answers the request, now or later.
void resolve_call(struct ts_request *request);

// The client gives a kept question up.
void resolve_cancel(struct ts_request *request);
