// SPDX-License-Identifier: MIT
// Formatted text without a C library, for log and panic; the formats are those of log_write().
#pragma once

#include <stdarg.h>
#include <stddef.h>

// Writes at most size - 1 bytes and a NUL; returns the length of what was written.
size_t format_text(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t format_text_list(char *to, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
