// SPDX-License-Identifier: MIT
// Text on whatever framebuffer the boot loader handed over: for the early log and for panics.
#pragma once

#include <arch/boot.h>

// Maps and clears the framebuffer. Without one, or without memory, writing does nothing.
void screen_init(const struct boot_framebuffer *framebuffer);

// The caller serialises (the log's lock, or a panic). At the bottom it goes on at the top.
void screen_write(const char *text, size_t length);

// White on red from now on, from the top.
void screen_panic(void);

// 7 rows of 5 bits for ' ' to '~', the leftmost pixel in bit 4.
#define FONT_ROWS  7
#define FONT_FIRST ' '
#define FONT_LAST  '~'
extern const uint8_t font[FONT_LAST - FONT_FIRST + 1][FONT_ROWS];
