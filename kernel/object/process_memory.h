// SPDX-License-Identifier: MIT
// Reading and writing the memory of another process.
#pragma once

#include <core/request.h>
#include <tessera/abi/object.h>

struct process;

// The methods READ and WRITE of a process: what was moved becomes the operation's value.
// Preemptible.
TS_MUST_USE ts_status_t process_memory_move(struct process *process, struct operation *operation,
                                            const struct ts_call *call);
