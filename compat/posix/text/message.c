// SPDX-License-Identifier: MIT
// Messages to people: <err.h>, and <syslog.h>, which goes to the system's log.
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <tessera/lib/log.h>
#include <unistd.h>
#include "core/posix.h"

static void report(int error, const char *format, va_list arguments)
{
    fflush(stdout);
    if (format != NULL) {
        vfprintf(stderr, format, arguments);
    }
    if (error) {
        fprintf(stderr, "%s%s", format != NULL ? ": " : "", strerror(error));
    }
    fputc('\n', stderr);
}

void warn(const char *format, ...)
{
    int error = errno;
    va_list arguments;
    va_start(arguments, format);
    report(error, format, arguments);
    va_end(arguments);
}

void warnx(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report(0, format, arguments);
    va_end(arguments);
}

_Noreturn void err(int status, const char *format, ...)
{
    int error = errno;
    va_list arguments;
    va_start(arguments, format);
    report(error, format, arguments);
    va_end(arguments);
    exit(status);
}

_Noreturn void errx(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report(0, format, arguments);
    va_end(arguments);
    exit(status);
}

static const char *identity = "";
static int mask = 0xff, options;

void openlog(const char *name, int option, int facility)
{
    (void)facility;
    identity = name != NULL ? name : "";
    options = option;
}

void closelog(void)
{
    identity = "";
}

int setlogmask(int new)
{
    int old = mask;
    mask = new ? new : mask;
    return old;
}

void vsyslog(int priority, const char *format, va_list arguments)
{
    char line[240];
    if (!(mask & (1 << (priority & 7)))) {
        return;
    }
    vsnprintf(line, sizeof(line), format, arguments);
    ts_log("%s%s%s", identity, *identity ? ": " : "", line);
    if (options & LOG_PERROR) {
        fprintf(stderr, "%s\n", line);
    }
}

void syslog(int priority, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsyslog(priority, format, arguments);
    va_end(arguments);
}
