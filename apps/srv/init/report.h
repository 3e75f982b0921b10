// SPDX-License-Identifier: MIT
// What the log says when a service ended.
#pragma once

#include "service.h"

void report_end(const struct service *service, const struct ts_process_report *report);
