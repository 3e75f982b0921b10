// SPDX-License-Identifier: MIT
// The kernel's log: a ring of bytes that keeps the newest 64 KiB of messages, mirrored to the
// serial port until a driver takes that. The kernel's own lines are shown on the screen too, until
// a program draws there.
#pragma once

#include <tessera/abi/types.h>
#include <arch/types.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

// One line; the newline is added. Formats: %s %c %d %i %u %x %X %p %% with l, ll, z, width, '0' and
// '-' flags, and %.*s. Longer lines than 240 bytes are cut. Any context but an
// interrupt that cannot be masked, and a panic.
// Control characters in strings are shown as '?', so that no program's name can forge a line.
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#if TS_DEBUG
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#else
#define log_debug(...) ((void)0)
#endif

// Copies bytes of the log from *cursor (a count of bytes since boot; 0: the oldest there is) and
// moves it on; a cursor whose bytes were overwritten continues at the oldest line. Returns how many
// bytes were copied, 0 at the end. `to` is kernel memory.
size_t log_read(uint64_t *cursor, char *to, size_t size);

// Total bytes ever written: a reader whose cursor equals it has read everything.
uint64_t log_end(void);

// Adds a line that a program wrote to its log object (printable bytes only are kept).
void log_append(const char *source, const char *text, size_t length);

// Called (any context, interrupts off) after something was added; NULL: none.
void log_set_listener(void (*listener)(void));

// From now on the serial port is a driver's: the log leaves it alone until a panic. And the screen.
// TS_ERR_AGAIN: what was written before is still being shown, or, unless it stands still for
// seconds, the port takes no more now.
TS_MUST_USE ts_status_t log_serial_release(void);
TS_MUST_USE ts_status_t log_screen_release(void);
