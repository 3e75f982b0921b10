// SPDX-License-Identifier: MIT
// The thread that runs.
#include "thread/thread.h"

struct ts_pthread thread_main = {.state = THREAD_JOINABLE};
static _Thread_local struct ts_pthread *current;

struct ts_pthread *thread_self(void)
{
    return current != NULL ? current : &thread_main;
}

void thread_become(struct ts_pthread *self)
{
    current = self;
}
