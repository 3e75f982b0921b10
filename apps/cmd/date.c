// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "command.h"

// A number of exactly so many digits off the front.
static bool take_number(const char **text, unsigned digits, int *out_value)
{
    *out_value = 0;
    for (unsigned i = 0; i < digits; i++, (*text)++) {
        if (**text < '0' || **text > '9') {
            return false;
        }
        *out_value = *out_value * 10 + **text - '0';
    }
    return true;
}

static bool take_character(const char **text, const char *any_of)
{
    bool found = **text != '\0' && strchr(any_of, **text) != NULL;
    *text += found;
    return found;
}

// YYYY-MM-DD[ HH:MM[:SS]]; what is left out is 0. False: it is none, or no day of a calendar.
static bool read_time(const char *text, struct tm *out_parts)
{
    struct tm day = {.tm_isdst = -1};
    if (!take_number(&text, 4, &day.tm_year) || !take_character(&text, "-") ||
        !take_number(&text, 2, &day.tm_mon) || !take_character(&text, "-") ||
        !take_number(&text, 2, &day.tm_mday)) {
        return false;
    }
    if (take_character(&text, " T")) {
        if (!take_number(&text, 2, &day.tm_hour) || !take_character(&text, ":") ||
            !take_number(&text, 2, &day.tm_min) ||
            (take_character(&text, ":") && !take_number(&text, 2, &day.tm_sec))) {
            return false;
        }
    }
    day.tm_year -= 1900;
    day.tm_mon--;
    *out_parts = day;
    return *text == '\0' && day.tm_mon >= 0 && day.tm_mon < 12 && day.tm_hour < 24 &&
           day.tm_min < 60 && day.tm_sec < 60;
}

// The seconds since 1970 of @SECONDS, or of a time of the zone; false: it is neither.
static bool take_time(const char *text, bool utc, time_t *out_time)
{
    struct tm parts;
    if (text[0] == '@') {
        char *end;
        *out_time = (time_t)strtoll(text + 1, &end, 10);
        return text[1] != '\0' && *end == '\0';
    }
    if (utc) {
        (void)setenv("TZ", "UTC0", 1);
        tzset();
    }
    if (!read_time(text, &parts)) {
        return false;
    }
    int day = parts.tm_mday;
    *out_time = mktime(&parts);
    return *out_time != (time_t)-1 && parts.tm_mday == day; // else the month has no such day
}

static int set_time(const char *text, bool utc)
{
    struct timespec time = {0};
    if (!take_time(text, utc, &time.tv_sec)) {
        command_usage();
    }
    return clock_settime(CLOCK_REALTIME, &time) == 0 ? 0 : command_error("the clock");
}

int main(int argc, char **argv)
{
    command_begin(
        argc, argv,
        "date [-u] [-s TIME] [+FORMAT]\nPrints the time, in the zone of the environment's TZ"
        " (as POSIX has it: CET-1CEST,M3.5.0,M10.5.0/3), or UTC.\nFORMAT as strftime's:"
        " +%Y-%m-%d, +%s.\n-s sets the clock and the battery-backed one: TIME is"
        " YYYY-MM-DD[ HH:MM[:SS]] or @SECONDS.\n");
    const char *format = "%a %b %e %H:%M:%S %Z %Y", *set = NULL;
    bool utc = getenv("TZ") == NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-u") == 0) {
            utc = true;
        } else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc) {
            set = argv[++i];
        } else if (argv[i][0] == '+') {
            format = argv[i] + 1;
        } else {
            command_usage();
        }
    }
    int status = set != NULL ? set_time(set, utc) : 0;
    if (status != 0) {
        return command_end(status);
    }
    if (utc) {
        (void)setenv("TZ", "UTC0", 1);
    }
    tzset();
    char text[256];
    time_t now = time(NULL);
    struct tm *parts = localtime(&now);
    if (parts == NULL || (!strftime(text, sizeof(text), format, parts) && *format)) {
        command_usage();
    }
    puts(*format ? text : "");
    return command_end(0);
}
