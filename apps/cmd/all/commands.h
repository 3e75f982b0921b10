// SPDX-License-Identifier: MIT
// The commands' main functions: each file of apps/cmd is compiled with `main` renamed.
#pragma once

#define COMMAND(name) int name##_main(int argc, char **argv);
#include <commands.def>
#undef COMMAND
