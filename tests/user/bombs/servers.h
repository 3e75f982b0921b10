// SPDX-License-Identifier: MIT
// What all the processes of the system hold, this one and those that it started left out.
#pragma once

#include <stdbool.h>
#include <stdint.h>

uint64_t servers_handles(void);
// Whether they are as few as that again within seconds; else says which servers there are.
bool servers_are_back(uint64_t handles);
