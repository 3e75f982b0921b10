// SPDX-License-Identifier: MIT
// The fast path of synchronous calls. See fast_path.c.
#pragma once

#include <arch/frame.h>
#include <stdbool.h>

// The two halves of a call. Interrupts off, at the entry of the system call. True: done, the
// results are in the frame. False: nothing has happened, the general path is to be taken. A switch
// to the other side does not return.
bool fast_path_op(struct arch_frame *frame);
bool fast_path_reply_wait(struct arch_frame *frame);
