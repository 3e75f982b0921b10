// SPDX-License-Identifier: MIT
// Lines for the system's log, for programs without stdio: one write a line.
#pragma once

#include <tessera/format/text.h>
#include <tessera/lib/status.h>

// Formats and writes a line (without '\n') to the process's handle "log", cut to 240 bytes; nothing
// when it has none. The verbs are ts_format()'s.
void ts_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
