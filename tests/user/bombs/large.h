// SPDX-License-Identifier: MIT
// A bomb as large as the machine allows, to look at its death from outside.
#pragma once

#include "bomb.h"

// Says `bomb NAME armed …`, and some time later `bomb NAME dies`, `bomb NAME gone … back …`.
void large_run(const struct bomb *bomb);
