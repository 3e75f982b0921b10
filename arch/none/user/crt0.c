// SPDX-License-Identifier: MIT
// The first function of every program, with the address of struct ts_bootstrap.
#include <tessera/lib/start.h>

_Noreturn void _start(const struct ts_bootstrap *block);

_Noreturn void _start(const struct ts_bootstrap *block)
{
    ts_image_start(block);
}
