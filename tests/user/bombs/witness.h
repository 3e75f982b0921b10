// SPDX-License-Identifier: MIT
// What is beside a bomb and goes on: memory, a file, a pipe and the log.
#pragma once

#include <stdint.h>

void witness_begin(void);
// Uses each of them once; fails the test where one does not do what it did before. What it took
// longest for adds to *worst_ns.
void witness_look(int64_t *worst_ns);
void witness_end(void);
