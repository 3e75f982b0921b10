// SPDX-License-Identifier: MIT
// Start of native programs: no libc state, so nothing to set up but main's arguments. A file of its
// own, since programs with the POSIX layer replace it.
#include <tessera/lib/process.h>
#include <tessera/lib/start.h>

_Noreturn void ts_program_start(void)
{
    ts_process_exit(ts_main_call(main));
}
