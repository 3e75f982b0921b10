// SPDX-License-Identifier: MIT
#include "tap.h"

#include <stdarg.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/op.h>
#include <tessera/lib/resource.h>

#define LINE_MAX 240
#define TRIES    10u // of a test that is too late

static struct {
    jmp_buf end; // of the running test
    bool failed, skipped, again;
    ts_time_t in_time;
    unsigned tries;
    const char *why;
} tap;

// A line goes to the standard output, or to the log for a program that runs without a shell.
static void line_write(const char *text)
{
    ts_handle_t out = ts_named_handle(TS_NAME_OUT);
    char line[LINE_MAX + 2];
    size_t length = strlen(text);
    length = length < LINE_MAX ? length : LINE_MAX;
    memcpy(line, text, length);
    if (out == TS_HANDLE_NONE) {
        ts_log("%.*s", (int)length, line);
        return;
    }
    line[length++] = '\n';
    (void)ts_write_all_current(out, line, length);
}

static void line_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void line_format(const char *format, ...)
{
    char line[LINE_MAX];
    va_list arguments;
    va_start(arguments, format);
    ts_format_v(line, sizeof(line), format, arguments);
    va_end(arguments);
    line_write(line);
}

void tap_note(const char *format, ...)
{
    char line[LINE_MAX] = "# ";
    va_list arguments;
    va_start(arguments, format);
    ts_format_v(line + 2, sizeof(line) - 2, format, arguments);
    va_end(arguments);
    line_write(line);
}

void tap_fail(const char *file, int line, const char *what, int64_t found, int64_t expected)
{
    tap_note("%s:%d: %s: found %ld, expected %ld", file, line, what, (long)found, (long)expected);
    tap.failed = true;
    tap.again = tap.in_time != 0 && ts_clock_now() > tap.in_time;
    longjmp(tap.end, 1);
}

void tap_in_time(int64_t until)
{
    if (until == 0 || tap.in_time == 0 || until < tap.in_time) {
        tap.in_time = until;
    }
}

void tap_again(const char *why)
{
    tap_note("%s", why);
    tap.failed = tap.again = true;
    longjmp(tap.end, 1);
}

void tap_skip(const char *why)
{
    tap.skipped = true;
    tap.why = why;
    longjmp(tap.end, 1);
}

static void try_one(const struct tap_test *test)
{
    tap.failed = tap.skipped = tap.again = false;
    tap.in_time = 0;
    if (setjmp(tap.end) == 0) {
        test->run();
    }
}

static void run_one(size_t number, const struct tap_test *test)
{
    tap.tries = 0;
    do {
        try_one(test);
    } while (tap.again && ++tap.tries < TRIES);
    if (tap.skipped) {
        line_format("ok %lu - %s # SKIP %s", (unsigned long)number, test->name, tap.why);
    } else {
        line_format("%sok %lu - %s", tap.failed ? "not " : "", (unsigned long)number, test->name);
    }
}

int tap_run(const struct tap_test *tests, size_t count)
{
    int failures = 0;
    line_format("1..%lu", (unsigned long)count);
    for (size_t i = 0; i < count; i++) {
        run_one(i + 1, &tests[i]);
        failures += tap.failed;
    }
    ts_handle_t system = ts_named_handle(TS_NAME_RESOURCE_SYSTEM);
    if (system != TS_HANDLE_NONE) {
        (void)ts_system_power_off(system, failures != 0);
    }
    return failures != 0;
}
