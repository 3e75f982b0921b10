// SPDX-License-Identifier: MIT
// The end of a process.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <tessera/lib/process.h>
#include <unistd.h>
#include "core/posix.h"
#include "process/death.h"

_Noreturn void _Exit(int);

_Noreturn void _exit(int status)
{
    ts_process_exit(status & 0xff);
}

_Noreturn void _Exit(int status)
{
    _exit(status);
}

static bool wants_report(int signal)
{
    switch (signal) {
    case SIGABRT:
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP:
    case SIGSYS: return true;
    default: return false;
    }
}

// A signal that means a bug ends the process by an exception, so that its parent's report has the
// registers and the calls that led here.
_Noreturn void posix_die(int signal)
{
    if (wants_report(signal)) {
        ts_process_trap(DEATH_MARK | (unsigned)signal);
    }
    ts_process_exit(POSIX_EXIT_SIGNAL + signal);
}
