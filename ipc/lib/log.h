// SPDX-License-Identifier: MIT
// Lines for the system's log, for programs without stdio: one write a line.
#pragma once

#include <stdarg.h>
#include <tessera/lib/status.h>

// Formats and writes a line (without '\n') to the process's handle "log", cut to 240 bytes; nothing
// when it has none. Verbs: %s, %.*s, %c, %d, %u, %x, and with l or ll, z, a width and zero padding;
// %p; %%.
void ts_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The formatter itself: at most capacity - 1 bytes and a zero; returns the bytes written.
size_t ts_format(char *out, size_t capacity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t ts_format_v(char *out, size_t capacity, const char *format, va_list arguments);
