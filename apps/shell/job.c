// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/tessera.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/op.h>
#include <tessera/lib/process.h>
#include <tessera/proto/console.h>
#include "shell.h"

#define JOB_PROCESSES_MAX 32
#define STATUS_SIGNAL     0x100 // POSIX programs that a signal ended: 0x100 + its number
#define STATUS_KILLED     (128 + 9)

extern char **environ;

struct job {
    struct job *next;
    int number;
    ts_handle_t handle; // the job object
    ts_handle_t processes[JOB_PROCESSES_MAX];
    uint64_t bias[JOB_PROCESSES_MAX]; // where their programs lie
    size_t count;                     // that were started
    size_t running;                   // that have not been seen to end
    int status;                       // of the last process, once it has ended
    bool background;
    bool interrupted;
    char *text;
};

static struct job *jobs; // newest first

struct job *job_make(const char *text)
{
    struct job *job = calloc(1, sizeof(*job));
    ts_status_t status = TS_ERR_MEMORY;
    if (job != NULL && ((job->text = strdup(text)) != NULL)) {
        status = ts_job_create(ts_named_handle(TS_NAME_JOB), NULL, &job->handle);
    }
    if (status != TS_OK) {
        fprintf(stderr, "sh: cannot create a job: %s\n", ts_status_text(status));
        free(job != NULL ? job->text : NULL);
        free(job);
        return NULL;
    }
    job->number = 1;
    for (const struct job *j = jobs; j != NULL; j = j->next) {
        job->number = j->number >= job->number ? j->number + 1 : job->number;
    }
    job->next = jobs;
    jobs = job;
    return job;
}

int job_start(struct job *job, const char *path, char **arguments, const struct files *files)
{
    if (job->count == JOB_PROCESSES_MAX) {
        return E2BIG;
    }
    struct ts_posix_program program = {
        .path = path,
        .arguments = arguments,
        .environment = environ,
        .job = job->handle,
        .out_bias = &job->bias[job->count],
        .rights = grants_rights,
    };
    memcpy(program.files, files->fd, sizeof(program.files));
    int error = ts_posix_start(&program, &job->processes[job->count]);
    if (!error) {
        job->count++;
        job->running++;
    }
    return error;
}

static void forget(struct job *job)
{
    for (struct job **at = &jobs; *at != NULL; at = &(*at)->next) {
        if (*at == job) {
            *at = job->next;
            break;
        }
    }
    for (size_t i = 0; i < job->count; i++) {
        ts_close(job->processes[i]);
    }
    ts_close(job->handle);
    free(job->text);
    free(job);
}

void job_drop(struct job *job)
{
    (void)ts_job_kill(job->handle);
    forget(job);
}

// Addresses as in the program's .debug file, for tools/symbolise.
static void show_place(const char *what, const char *name, uint64_t address, uint64_t bias)
{
    fprintf(stderr, "  %s %#llx = %.32s+%llx\n", what, (unsigned long long)address, name,
            (unsigned long long)(address - bias));
}

static void show_fault(const struct ts_process_report *report, const char *name, uint64_t bias)
{
    fprintf(stderr, "%.32s: fault %u at address %#llx\n", name, report->fault,
            (unsigned long long)report->fault_address);
    show_place("instruction", name, ts_report_pc(report), bias);
    for (size_t i = 0; i < sizeof(report->backtrace) / sizeof(report->backtrace[0]); i++) {
        if (report->backtrace[i] == 0) {
            break;
        }
        show_place("called from", name, report->backtrace[i], bias);
    }
}

// What a program's end means as $?, with lines about ends that nobody wanted.
static int status_of(ts_handle_t process, uint64_t bias, bool last)
{
    struct ts_process_report report;
    struct ts_process_statistics statistics = {.name = "process"};
    if (ts_process_report(process, &report) != TS_OK) {
        return STATUS_KILLED;
    }
    (void)ts_process_statistics(process, &statistics);
    switch (report.reason) {
    case TS_EXIT_STATUS:
        return report.status >= STATUS_SIGNAL ? 128 + (report.status - STATUS_SIGNAL)
                                              : report.status & 0xff;
    case TS_EXIT_FAULT:
        show_fault(&report, statistics.name, bias);
        return 128 + (report.fault == 6 ? 6 : 11);
    case TS_EXIT_LIMIT:
        fprintf(stderr, "%.32s: ended: memory limit exceeded\n", statistics.name);
        return STATUS_KILLED;
    case TS_EXIT_DMA:
        fprintf(stderr, "%.32s: ended: its device accessed %#lx, which is not pinned\n",
                statistics.name, (unsigned long)report.fault_address);
        return STATUS_KILLED;
    default: return last ? STATUS_KILLED : 0;
    }
}

// Looks at process i, which has ended.
static void ended(struct job *job, size_t i)
{
    bool last = i == job->count - 1;
    int status = status_of(job->processes[i], job->bias[i], last);
    if (last) {
        job->status = job->interrupted ? 128 + 2 : status;
    }
    ts_close(job->processes[i]);
    job->processes[i] = TS_HANDLE_NONE;
    job->running--;
}

// What was typed: Ctrl-C and Ctrl-\ end the foreground job.
static void console_events(struct job *job)
{
    uint64_t events;
    if (ts_get_u64(shell.terminal, TS_PROPERTY_CONSOLE_EVENTS, &events) != TS_OK) {
        return;
    }
    if (events & (TS_CONSOLE_EVENT_INTERRUPT | TS_CONSOLE_EVENT_QUIT)) {
        job->interrupted = shell.interrupted = true;
        (void)ts_job_kill(job->handle);
    }
    if (events & TS_CONSOLE_EVENT_HANGUP) {
        shell.ending = true;
        (void)ts_job_kill(job->handle);
    }
}

// One wait: for an end of one of its processes, or (foreground) for the console. deadline 1: none.
static bool step(struct job *job, bool foreground, int64_t deadline)
{
    struct ts_posix_wait items[JOB_PROCESSES_MAX + 1];
    for (size_t i = 0; i < job->count; i++) {
        items[i] = (struct ts_posix_wait){job->processes[i], TS_SIGNAL_EXITED, 0};
    }
    uint32_t terminal = foreground ? shell.terminal : 0;
    items[job->count] = (struct ts_posix_wait){terminal, TS_SIGNAL_CONSOLE_EVENT, 0};
    if (ts_posix_wait(items, job->count + 1, deadline) != 0) {
        return false;
    }
    for (size_t i = 0; i < job->count; i++) {
        if (items[i].ready) {
            ended(job, i);
        }
    }
    if (items[job->count].ready) {
        console_events(job);
    }
    return true;
}

int job_foreground(struct job *job)
{
    job->background = false;
    terminal_line();
    while (job->running && step(job, true, TS_DEADLINE_NONE)) {
    }
    if (job->interrupted) {
        fputs("\n", stderr);
    }
    int status = job->status;
    forget(job);
    return status;
}

static uint64_t process_number(const struct job *job)
{
    struct ts_process_statistics statistics;
    if (!job->count ||
        ts_process_statistics(job->processes[job->count - 1], &statistics) != TS_OK) {
        return 0;
    }
    return statistics.id;
}

void job_background(struct job *job)
{
    job->background = true;
    shell.last_job = process_number(job);
    if (shell.interactive) {
        fprintf(stderr, "[%d] %llu\n", job->number, (unsigned long long)shell.last_job);
    }
}

void jobs_report(void)
{
    for (struct job *job = jobs, *next; job != NULL; job = next) {
        next = job->next;
        while (job->running && step(job, false, TS_DEADLINE_PAST)) {
        }
        if (!job->running) {
            if (shell.interactive) {
                fprintf(stderr, "[%d] ended with %d: %s\n", job->number, job->status, job->text);
            }
            forget(job);
        }
    }
}

void jobs_list(void)
{
    jobs_report();
    for (const struct job *job = jobs; job != NULL; job = job->next) {
        printf("[%d] %llu %s\n", job->number, (unsigned long long)process_number(job), job->text);
    }
}

struct job *job_find(const char *text)
{
    int number = text != NULL ? atoi(text + (*text == '%')) : 0;
    for (struct job *job = jobs; job != NULL; job = job->next) {
        if (job->background && (text == NULL || job->number == number)) {
            return job;
        }
    }
    fprintf(stderr, "sh: %s: no such job\n", text != NULL ? text : "current");
    return NULL;
}

void job_kill(struct job *job)
{
    ts_status_t status = ts_job_kill(job->handle);
    if (status != TS_OK) {
        fprintf(stderr, "sh: %s\n", ts_status_text(status));
    }
}

void jobs_wait(void)
{
    terminal_line();
    shell.interrupted = false;
    for (struct job *job = jobs; job != NULL && !shell.interrupted;) {
        // Ctrl-C ends the waiting, not the jobs: so the console is looked at here, not in step().
        struct ts_posix_wait items[JOB_PROCESSES_MAX + 1];
        for (size_t i = 0; i < job->count; i++) {
            items[i] = (struct ts_posix_wait){job->processes[i], TS_SIGNAL_EXITED, 0};
        }
        items[job->count] = (struct ts_posix_wait){shell.terminal, TS_SIGNAL_CONSOLE_EVENT, 0};
        if (job->running && ts_posix_wait(items, job->count + 1, TS_DEADLINE_NONE) != 0) {
            return;
        }
        uint64_t events = 0;
        if (shell.terminal && items[job->count].ready) {
            (void)ts_get_u64(shell.terminal, TS_PROPERTY_CONSOLE_EVENTS, &events);
        }
        shell.interrupted = events & TS_CONSOLE_EVENT_INTERRUPT;
        jobs_report();
        job = jobs;
    }
}

void jobs_end(void)
{
    while (jobs != NULL) {
        job_drop(jobs);
    }
}
