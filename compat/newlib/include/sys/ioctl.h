// SPDX-License-Identifier: MIT
#pragma once

#include <sys/termios.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TIOCGWINSZ 0x5413
#define TIOCSWINSZ 0x5414
#define FIONREAD   0x541b
#define FIONBIO    0x5421

int ioctl(int, unsigned long, ...);

#ifdef __cplusplus
}
#endif
