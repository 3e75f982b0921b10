// SPDX-License-Identifier: MIT
// The log on a serial line that takes nothing for a while: nothing is lost, nothing comes twice,
// and a driver gets the line when all is shown, or when it stands still.
#include "../check.h"

#include <arch/clock.h>
#include <arch/debug.h>
#include <debug/screen.h>
#include <log.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tessera/abi/status.h>
#include <tessera/lib/clock.h>
#include <unistd.h>

#define ROOM 200000u

static char line[ROOM], screen[ROOM];
static size_t line_length, screen_length;
static size_t line_takes; // until it takes no more
static int64_t now = TS_SECOND;

size_t arch_serial_write(const char *text, size_t length)
{
    size_t done = length < line_takes ? length : line_takes;
    line_takes -= done;
    CHECK(line_length + done <= ROOM);
    memcpy(line + line_length, text, done);
    line_length += done;
    return done;
}

void screen_write(const char *text, size_t length)
{
    CHECK(screen_length + length <= ROOM);
    memcpy(screen + screen_length, text, length);
    screen_length += length;
}

int64_t clock_now(void)
{
    return now;
}

// What the log has kept, which is what the line is to show.
static void check_shown(size_t from)
{
    static char kept[ROOM];
    uint64_t cursor = from;
    size_t length = log_read(&cursor, kept, sizeof(kept));
    CHECK(line_length == length && memcmp(line, kept, length) == 0);
}

static void check_all_is_shown(void)
{
    check_shown(0);
    CHECK(line_length == log_end());
}

static void a_line_that_stands_still_loses_nothing(void)
{
    for (unsigned i = 0; i < 300; i++) {
        line_takes = i * 7 % 97; // some lines in part, some not at all
        log_write(LOG_INFO, "line %u of many", i);
        CHECK(line_length <= log_end());
    }
    line_takes = 3;
    CHECK(log_serial_release() == TS_ERR_AGAIN);
    now += 2 * TS_SECOND;
    line_takes = 3; // it is slow, and not stuck
    CHECK(log_serial_release() == TS_ERR_AGAIN);
    now += 2 * TS_SECOND;
    CHECK(log_serial_release() == TS_ERR_AGAIN);
    line_takes = ROOM;
    size_t before = line_length;
    while (log_serial_release() == TS_ERR_AGAIN) { // no caller is kept by all that is left
        CHECK(line_length > before && line_length - before <= 520);
        before = line_length;
    }
    check_all_is_shown();
    CHECK(screen_length == log_end() && memcmp(screen, line, screen_length) == 0);
    log_write(LOG_INFO, "the line is a driver's");
    CHECK(line_length < log_end());
}

static void a_line_that_takes_nothing_is_not_waited_for(void)
{
    log_write(LOG_INFO, "as much as it has room for");
    CHECK(log_serial_release() == TS_ERR_AGAIN);
    now += 2 * TS_SECOND;
    CHECK(log_serial_release() == TS_ERR_AGAIN);
    now += 2 * TS_SECOND;
    CHECK(log_serial_release() == TS_OK);
    line_takes = ROOM;
    log_write(LOG_INFO, "the line is a driver's");
    CHECK(line_length == 0);
}

// The log is released once: each in a process of its own.
static void run(void (*test)(void))
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        test();
        exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(void)
{
    run(a_line_that_stands_still_loses_nothing);
    run(a_line_that_takes_nothing_is_not_waited_for);
    return 0;
}
