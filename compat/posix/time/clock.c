// SPDX-License-Identifier: MIT
// Clocks, read from the clock page; sleeping.
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/process.h>
#include <tessera/lib/random.h>
#include <tessera/proto/init.h>
#include <time.h>
#include <unistd.h>
#include "core/posix.h"

static ts_time_t processor_time(void)
{
    struct ts_process_statistics statistics;
    ts_status_t status = ts_process_statistics(ts_named_handle(TS_NAME_PROCESS), &statistics);
    return status == TS_OK ? (ts_time_t)statistics.cpu_ns : 0;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    ts_time_t now;
    switch (clock) {
    case CLOCK_REALTIME: now = ts_clock_realtime(); break;
    case CLOCK_MONOTONIC: now = ts_clock_now(); break;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID: now = processor_time(); break;
    default: return posix_fail(EINVAL);
    }
    out->tv_sec = now / TS_SECOND;
    out->tv_nsec = now % TS_SECOND;
    return 0;
}

int clock_getres(clockid_t clock, struct timespec *out)
{
    struct timespec now;
    if (clock_gettime(clock, &now) < 0) {
        return -1;
    }
    if (out != NULL) {
        *out = (struct timespec){.tv_nsec = 1};
    }
    return 0;
}

// The machine's clock is set by who may: a holder of init's control object with the right for it.
int clock_settime(clockid_t clock, const struct timespec *time)
{
    ts_handle_t control = ts_named_handle(TS_NAME_CONTROL);
    if (clock != CLOCK_REALTIME || time->tv_nsec < 0 || time->tv_nsec >= TS_SECOND) {
        return posix_fail(EINVAL);
    }
    if (control == TS_HANDLE_NONE) {
        return posix_fail(EPERM);
    }
    ts_time_t wanted = ts_time_of(time->tv_sec, TS_SECOND, time->tv_nsec);
    struct ts_init_clock set = {.offset_ns = ts_time_add(wanted, -ts_clock_now())};
    ts_status_t status =
        ts_call_bytes(control, TS_INIT_CLOCK_SET, &set, sizeof(set), NULL, 0, NULL);
    return status == TS_OK           ? 0
           : status == TS_ERR_RIGHTS ? posix_fail(EPERM)
           : status == TS_ERR_RANGE  ? posix_fail(EINVAL)
                                     : posix_result(status);
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    (void)zone;
    ts_time_t now = ts_clock_realtime();
    out->tv_sec = now / TS_SECOND;
    out->tv_usec = now % TS_SECOND / 1000;
    return 0;
}

static int duration(const struct timespec *time, ts_time_t *out)
{
    if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= TS_SECOND) {
        return EINVAL;
    }
    *out = ts_time_of(time->tv_sec, TS_SECOND, time->tv_nsec);
    return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
    ts_time_t ns;
    int error = duration(time, &ns);
    if (error) {
        return error;
    }
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
        return EINVAL;
    }
    if (flags & TIMER_ABSTIME) {
        ns = ts_time_add(ns, -(clock == CLOCK_REALTIME ? ts_clock_realtime() : ts_clock_now()));
    }
    if (ns > 0) {
        ts_sleep_until(ts_deadline_in(ns));
    }
    if (left != NULL) {
        *left = (struct timespec){0};
    }
    return 0;
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
    int error = clock_nanosleep(CLOCK_MONOTONIC, 0, time, left);
    return error ? posix_fail(error) : 0;
}

unsigned sleep(unsigned seconds)
{
    ts_sleep_until(ts_deadline_in(seconds * TS_SECOND));
    return 0;
}

int usleep(useconds_t microseconds)
{
    ts_sleep_until(ts_deadline_in(microseconds * TS_MICROSECOND));
    return 0;
}

clock_t times(struct tms *out)
{
    clock_t used = (clock_t)(processor_time() / (TS_SECOND / CLOCKS_PER_SEC));
    *out = (struct tms){.tms_utime = used};
    return (clock_t)(ts_clock_now() / (TS_SECOND / CLOCKS_PER_SEC));
}

clock_t clock(void)
{
    return (clock_t)(processor_time() / (TS_SECOND / CLOCKS_PER_SEC));
}

int getrusage(int who, struct rusage *out)
{
    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN) {
        return posix_fail(EINVAL);
    }
    *out = (struct rusage){0};
    struct ts_process_statistics statistics;
    if (who == RUSAGE_SELF &&
        ts_process_statistics(ts_named_handle(TS_NAME_PROCESS), &statistics) == TS_OK) {
        out->ru_utime.tv_sec = (time_t)(statistics.cpu_ns / 1000000000u);
        out->ru_utime.tv_usec = (suseconds_t)(statistics.cpu_ns % 1000000000u / 1000);
        out->ru_maxrss = (long)(statistics.pages * (TS_PAGE_SIZE / 1024));
    }
    return 0;
}

int getentropy(void *buffer, size_t length)
{
    if (length > 256) {
        return posix_fail(EIO);
    }
    return posix_result(ts_random_bytes(buffer, length));
}

ssize_t getrandom(void *buffer, size_t length, unsigned flags)
{
    (void)flags;
    ts_status_t status = ts_random_bytes(buffer, length);
    return status == TS_OK ? (ssize_t)length : posix_result(status);
}
