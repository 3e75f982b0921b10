// SPDX-License-Identifier: MIT
#include "httpd.h"

#include <tessera/lib/clock.h>

struct httpd httpd;

int64_t httpd_now(void)
{
    static ts_time_t asked; // the round in which `seconds` was
    static int64_t seconds;
    ts_time_t now = ts_loop_now(&httpd.loop);
    if (now != asked) {
        asked = now;
        seconds = ts_clock_realtime() / TS_SECOND;
    }
    return seconds;
}
