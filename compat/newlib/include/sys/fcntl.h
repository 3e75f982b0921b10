// SPDX-License-Identifier: MIT
#pragma once

#include_next <sys/fcntl.h>

#define O_NDELAY O_NONBLOCK
#define O_DSYNC  O_SYNC
