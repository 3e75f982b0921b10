// SPDX-License-Identifier: MIT
// poll and select on the signal words of objects: no server is asked.
#include <poll.h>
#include <stdlib.h>
#include <sys/select.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/op.h>
#include <tessera/proto/net.h>
#include "core/descriptor.h"
#include "core/posix.h"
#include "core/wait.h"

static ts_signals_t signals_of(short events)
{
    ts_signals_t mask = TS_SIGNAL_CLOSED | TS_SIGNAL_ERROR;
    mask |= events & (POLLIN | POLLRDNORM) ? TS_SIGNAL_READABLE : 0;
    mask |= events & (POLLOUT | POLLWRNORM) ? TS_SIGNAL_WRITABLE : 0;
    mask |= events & POLLPRI ? TS_SIGNAL_PRIORITY : 0;
    return mask;
}

static short events_of(ts_signals_t ready, short asked)
{
    short events = 0;
    events |= ready & TS_SIGNAL_READABLE ? POLLIN | POLLRDNORM : 0;
    events |= ready & TS_SIGNAL_WRITABLE ? POLLOUT | POLLWRNORM : 0;
    events |= ready & TS_SIGNAL_PRIORITY ? POLLPRI : 0;
    events |= ready & TS_SIGNAL_ERROR ? POLLERR : 0;
    events |= ready & TS_SIGNAL_CLOSED ? POLLHUP : 0;
    return events & (asked | POLLERR | POLLHUP);
}

struct waits {
    struct waitable *items;
    struct open_file **files;
};

// Files of the kernel or a store never make anyone wait: those whose handle cannot be waited on.
static bool always_ready(const struct open_file *file)
{
    ts_rights_t rights;
    return file->kind == OPEN_RANDOM || file->kind == OPEN_DIRECTORY ||
           (ts_rights(file->handle, &rights) == TS_OK && !(rights & TS_RIGHT_WAIT));
}

// How many are ready or wrong before anything is waited for.
static int begin(struct pollfd *fds, nfds_t count, struct waits *waits)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        fds[i].revents = 0;
        if (fds[i].fd < 0) {
            continue;
        }
        waits->files[i] = descriptor_get(fds[i].fd);
        if (waits->files[i] == NULL) {
            fds[i].revents = POLLNVAL;
        } else if (always_ready(waits->files[i])) {
            fds[i].revents = fds[i].events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
        } else {
            waits->items[i] = (struct waitable){.handle = waits->files[i]->handle,
                                                .mask = signals_of(fds[i].events)};
        }
        ready += fds[i].revents != 0;
    }
    return ready;
}

static int poll_until(struct pollfd *fds, nfds_t count, ts_time_t deadline)
{
    if (count > DESCRIPTORS_MAX) {
        return posix_fail(EINVAL);
    }
    struct waits waits = {calloc(count + 1, sizeof(*waits.items)),
                          calloc(count + 1, sizeof(*waits.files))};
    int error = waits.items != NULL && waits.files != NULL ? 0 : ENOMEM;
    int ready = error ? 0 : begin(fds, count, &waits);
    if (!error) {
        ts_status_t status = wait_any(waits.items, count, ready ? TS_DEADLINE_PAST : deadline);
        error = status == TS_ERR_TIMED_OUT ? 0 : posix_errno(status);
    }
    for (nfds_t i = 0; i < count && !error; i++) {
        if (waits.items[i].ready) {
            fds[i].revents = events_of(waits.items[i].ready, fds[i].events);
            ready += fds[i].revents != 0;
        }
    }
    for (nfds_t i = 0; i < count && waits.files != NULL; i++) {
        if (waits.files[i] != NULL) {
            open_file_put(waits.files[i]);
        }
    }
    free(waits.items);
    free(waits.files);
    return error ? posix_fail(error) : ready;
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    ts_time_t deadline = TS_DEADLINE_NONE;
    if (timeout >= 0) {
        deadline = timeout ? ts_deadline_in(timeout * TS_MILLISECOND) : TS_DEADLINE_PAST;
    }
    return poll_until(fds, count, deadline);
}

static int select_until(int count, fd_set *read, fd_set *write, fd_set *except, ts_time_t deadline)
{
    if (count < 0 || count > FD_SETSIZE) {
        return posix_fail(EINVAL);
    }
    struct pollfd *fds = calloc((size_t)count + 1, sizeof(*fds));
    if (fds == NULL) {
        return -1;
    }
    nfds_t used = 0;
    for (int fd = 0; fd < count; fd++) {
        short events = (short)((read != NULL && FD_ISSET(fd, read) ? POLLIN : 0) |
                               (write != NULL && FD_ISSET(fd, write) ? POLLOUT : 0) |
                               (except != NULL && FD_ISSET(fd, except) ? POLLPRI : 0));
        if (events) {
            fds[used++] = (struct pollfd){fd, events, 0};
        }
    }
    int result = poll_until(fds, used, deadline), ready = 0;
    for (nfds_t i = 0; result >= 0 && i < used; i++) {
        if (fds[i].revents & POLLNVAL) {
            result = posix_fail(EBADF);
        }
    }
    for (nfds_t i = 0; result >= 0 && i < used; i++) {
        // An end or error makes reading and writing return at once, so both are "ready".
        short got = fds[i].revents, over = got & (POLLERR | POLLHUP);
        struct {
            fd_set *set;
            short asked, events;
        } sets[] = {{read, POLLIN, (short)(POLLIN | over)},
                    {write, POLLOUT, (short)(POLLOUT | over)},
                    {except, POLLPRI, POLLPRI}};
        for (int s = 0; s < 3; s++) {
            if (!(fds[i].events & sets[s].asked)) {
                continue;
            }
            if (got & sets[s].events) {
                ready++;
            } else {
                FD_CLR(fds[i].fd, sets[s].set);
            }
        }
    }
    free(fds);
    return result < 0 ? -1 : ready;
}

static ts_time_t deadline_after(ts_time_t ns)
{
    return ns > 0 ? ts_deadline_in(ns) : 1; // 1 ns: long past
}

int select(int count, fd_set *read, fd_set *write, fd_set *except, struct timeval *timeout)
{
    ts_time_t deadline = TS_DEADLINE_NONE;
    if (timeout != NULL) {
        if (timeout->tv_sec < 0 || timeout->tv_usec < 0) {
            return posix_fail(EINVAL);
        }
        ts_time_t part = ts_time_of(timeout->tv_usec, TS_MICROSECOND, 0);
        deadline = deadline_after(ts_time_of(timeout->tv_sec, TS_SECOND, part));
    }
    return select_until(count, read, write, except, deadline);
}

int pselect(int count, fd_set *read, fd_set *write, fd_set *except, const struct timespec *timeout,
            const sigset_t *mask)
{
    (void)mask; // nothing arrives from outside, so nothing to hold back meanwhile
    ts_time_t deadline = TS_DEADLINE_NONE;
    if (timeout != NULL) {
        if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= TS_SECOND) {
            return posix_fail(EINVAL);
        }
        deadline = deadline_after(ts_time_of(timeout->tv_sec, TS_SECOND, timeout->tv_nsec));
    }
    return select_until(count, read, write, except, deadline);
}
