// SPDX-License-Identifier: MIT
// The page /status, made when it is asked for from what the system's objects say at that moment.
#pragma once

#include "connection.h"

// Answers the request. Needs the named handle "system" (a job: its statistics, its processes);
// without it the page tells of this server alone. False: there is no page to write it on now.
bool status_page(struct connection *connection);
