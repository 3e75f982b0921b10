// SPDX-License-Identifier: MIT
// Children: processes that this one started and has not waited for yet. The number of a child is
// the kernel's for it; what gives power over it is the handle kept here.
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/mutex.h>
#include <tessera/lib/process.h>
#include "core/posix.h"
#include "core/wait.h"
#include "process/death.h"
#include "process/program.h"

pid_t wait3(int *, int, struct rusage *);
pid_t wait4(pid_t, int *, int, struct rusage *);

struct child {
    struct child *next;
    pid_t id;
    ts_handle_t process;
};

static struct child *children;
static struct ts_mutex mutex;

int child_add(ts_handle_t process, pid_t *out_id)
{
    struct ts_process_statistics statistics;
    struct child *child = malloc(sizeof(*child));
    if (child == NULL || ts_process_statistics(process, &statistics) != TS_OK) {
        free(child);
        (void)ts_process_kill(process);
        ts_close(process);
        return ENOMEM;
    }
    *child = (struct child){.id = (pid_t)(statistics.id & 0x7fffffff), .process = process};
    ts_mutex_lock(&mutex);
    child->next = children;
    children = child;
    ts_mutex_unlock(&mutex);
    *out_id = child->id;
    return 0;
}

// Fills items with the children that `id` means (-1: all); how many there are.
static size_t gather(pid_t id, struct waitable *items, pid_t *ids, size_t capacity)
{
    size_t count = 0;
    ts_mutex_lock(&mutex);
    for (struct child *c = children; c != NULL && count < capacity; c = c->next) {
        if (id == -1 || c->id == id) {
            ids[count] = c->id;
            items[count++] = (struct waitable){.handle = c->process, .mask = TS_SIGNAL_EXITED};
        }
    }
    ts_mutex_unlock(&mutex);
    return count;
}

static ts_handle_t forget(pid_t id)
{
    ts_handle_t process = TS_HANDLE_NONE;
    ts_mutex_lock(&mutex);
    for (struct child **at = &children; *at != NULL; at = &(*at)->next) {
        struct child *c = *at;
        if (c->id == id) {
            *at = c->next;
            process = c->process;
            free(c);
            break;
        }
    }
    ts_mutex_unlock(&mutex);
    return process;
}

static int fault_signal(const struct ts_process_report *report)
{
    switch (report->fault) {
    case TS_EXCEPTION_DIVISION: return SIGFPE;
    case TS_EXCEPTION_INSTRUCTION:
        return (ts_report_mark(report) & ~UINT64_C(0xff)) == DEATH_MARK
                   ? (int)(ts_report_mark(report) & 0x7f)
                   : SIGILL;
    default: return SIGSEGV;
    }
}

static int status_of(const struct ts_process_report *report)
{
    switch (report->reason) {
    case TS_EXIT_STATUS:
        if (report->status > POSIX_EXIT_SIGNAL && report->status < POSIX_EXIT_SIGNAL + NSIG) {
            return report->status - POSIX_EXIT_SIGNAL;
        }
        return (report->status & 0xff) << 8;
    case TS_EXIT_FAULT: return fault_signal(report);
    default: return SIGKILL;
    }
}

static pid_t reap(pid_t id, int *out_status)
{
    struct ts_process_report report = {.reason = TS_EXIT_KILLED};
    ts_handle_t process = forget(id);
    if (!process) {
        return posix_fail(ECHILD); // another thread was faster
    }
    (void)ts_process_report(process, &report);
    ts_close(process);
    if (out_status != NULL) {
        *out_status = status_of(&report);
    }
    return id;
}

#define CHILDREN_WAITED 256

pid_t waitpid(pid_t id, int *out_status, int options)
{
    struct waitable *items = malloc(CHILDREN_WAITED * (sizeof(*items) + sizeof(pid_t)));
    if (items == NULL) {
        return -1;
    }
    pid_t *ids = (pid_t *)(items + CHILDREN_WAITED);
    size_t count = gather(id < -1 || id == 0 ? -1 : id, items, ids, CHILDREN_WAITED);
    pid_t result = 0;
    if (count == 0) {
        result = posix_fail(ECHILD);
    } else {
        ts_time_t deadline = options & WNOHANG ? TS_DEADLINE_PAST : TS_DEADLINE_NONE;
        ts_status_t status = wait_any(items, count, deadline);
        for (size_t i = 0; status == TS_OK && i < count; i++) {
            if (items[i].ready) {
                result = reap(ids[i], out_status);
                break;
            }
        }
        if (status != TS_OK && status != TS_ERR_TIMED_OUT) {
            result = posix_result(status);
        }
    }
    free(items);
    return result;
}

pid_t wait(int *status)
{
    return waitpid(-1, status, 0);
}

pid_t wait4(pid_t id, int *status, int options, struct rusage *usage)
{
    if (usage != NULL) {
        *usage = (struct rusage){0};
    }
    return waitpid(id, status, options);
}

pid_t wait3(int *status, int options, struct rusage *usage)
{
    return wait4(-1, status, options, usage);
}
