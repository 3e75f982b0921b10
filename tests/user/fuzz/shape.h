// SPDX-License-Identifier: MIT
// Operations that make sense, mostly: which sort of object one is for and how its arguments are
// chosen follows from its line in operation.def. Then a field or two may be spoiled.
#pragma once

#include "pool.h"

#include <tessera/abi/operation.h>

// Any operation.
void shape_any(struct actor *actor, struct ts_submission *out_shape);
// This one.
void shape_operation(struct actor *actor, enum ts_operation op, struct ts_submission *out_shape);
// A ts_call of a kernel object's method, its input and the room for its output, in the area; and
// of a method of one sort.
void shape_method(struct actor *actor, struct ts_submission *out_shape);
void shape_method_of(struct actor *actor, enum sort sort, struct ts_submission *out_shape);
// Makes it by system call. A result that is a handle is kept.
void shape_call(struct actor *actor, const struct ts_submission *shape);
