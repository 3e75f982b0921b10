// SPDX-License-Identifier: MIT
// One operation, however it was asked for: op.c (registers) and submit.c (a ring's submissions)
// decode into a struct asked, and operation_start() checks it and either answers it or issues a
// record.
#pragma once

#include <syscall/asked.h>

// All checks come first: with an error there is no effect. Interrupts on. What is returned by a
// result handle is installed.
enum outcome operation_start(struct asked *asked, ts_status_t *out_status);

// The continuation of a thread whose request was issued: its answer is awaited here. Interrupts
// off.
_Noreturn void op_continue(void);

// Issues a filled record on a served object. *out_status as above; ISSUED, ANSWERED or NO_RECORD.
enum outcome served_start(struct asked *asked, ts_rights_t needed, ts_status_t *out_status);
