// SPDX-License-Identifier: MIT
// Memory as large and as finely mapped as a program can have it, for the row of longest sections.
#pragma once

// Goes on for some seconds; a failure ends as in measure_need().
void vast_memory(void);
