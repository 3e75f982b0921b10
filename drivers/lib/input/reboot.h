// SPDX-License-Identifier: MIT
// Ctrl-Alt-Del: an orderly restart of the machine, also where nobody reads keys any more. The
// driver needs a handle `control` (tessera/proto/init.h) for it, with CALL and EXECUTE; without one
// they are keys as all others.
#pragma once

#include <drivers/input/input.h>

// Whether these keys are down, and it is one of them that was pressed now.
bool reboot_is_asked(const struct input_events *events, uint32_t pressed);

void reboot_ask(struct input *input);
