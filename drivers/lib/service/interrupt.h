// SPDX-License-Identifier: MIT
// An interrupt in the hands of a driver: waited for, acknowledged, and not listened to without end.
//
// A device may interrupt for nothing: a line whose cause is not taken away, or the same message
// again and again. The kernel's bound on storms (20,000 that nobody takes) does not reach a driver
// that takes each of them, at a driver's priority. Here an interrupt of which more than 512 in 100
// ms were for nothing is not heard for a pause, from 100 ms up to 1.6 s, the longer the more often.
// The driver is called every 10 ms instead: so a device that works is slow, not deaf. The log says
// so once a minute at most. Any failure to wait is such a pause too.
#pragma once

#include <drivers/service/allowance.h>
#include <tessera/lib/loop.h>

struct service_interrupt {
    struct ts_loop *loop;
    ts_handle_t handle;
    bool line; // acknowledged after each
    bool (*came)(struct service_interrupt *interrupt);
    struct ts_async async;
    struct ts_timer timer;
    struct allowance idle, told;
    ts_time_t pause, pause_end; // the last one
    bool paused;
};

// Arms it, and calls `came` for each that comes; that takes the cause away, and says whether there
// was anything to do (what was done since it was called last will do). `handle` stays the caller's;
// TS_HANDLE_NONE: nothing comes. line: it is acknowledged after each call.
void service_interrupt_start(struct service_interrupt *interrupt, struct ts_loop *loop,
                             ts_handle_t handle, bool line,
                             bool (*came)(struct service_interrupt *interrupt));
