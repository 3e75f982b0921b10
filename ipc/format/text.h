// SPDX-License-Identifier: MIT
// printf's small relative, for the kernel's log and for programs below or without stdio.
#pragma once

#include <stdarg.h>
#include <stddef.h>

// Writes at most capacity - 1 bytes and a zero; returns the bytes written, without the zero. With a
// capacity of 0 nothing is written. Verbs: %s %c %d %i %u %x %X %p %%, with l, ll or z; the flags
// - 0 #, a width, and for %s a precision, both also as *.
size_t ts_format(char *out, size_t capacity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t ts_format_v(char *out, size_t capacity, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
