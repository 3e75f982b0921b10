// SPDX-License-Identifier: MIT
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/op.h>

void ts_log(const char *format, ...)
{
    char line[242];
    ts_handle_t log = ts_named_handle(TS_NAME_LOG);
    if (!log) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    size_t length = ts_format_v(line, sizeof(line) - 1, format, arguments);
    va_end(arguments);
    line[length++] = '\n';
    size_t bytes;
    (void)ts_write_current(log, line, length, 0, TS_DEADLINE_NONE, &bytes);
}
