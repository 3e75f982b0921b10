// SPDX-License-Identifier: MIT
// What can be done with a process's handle. Inside kernel/object.
#pragma once

#include <core/request.h>

TS_MUST_USE ts_status_t process_operate(struct object *object, struct operation *operation);
