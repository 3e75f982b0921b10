// SPDX-License-Identifier: MIT
// newlib keeps each thread's state (errno, strtok's place, …) in a struct _reent.
#include <reent.h>
#include <string.h>
#include "core/posix.h"

struct _reent *__getreent(void);

static _Thread_local struct _reent *current;

struct _reent *__getreent(void)
{
    return current;
}

void reent_init(void)
{
    current = _GLOBAL_REENT;
}

void reent_thread_init(struct _reent *reent)
{
    _REENT_INIT_PTR(reent);
    current = reent;
}
