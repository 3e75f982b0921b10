// SPDX-License-Identifier: MIT
// See process_statistics.h.
#include <object/process_statistics.h>

#include <object/process.h>
#include <object/transfer.h>
#include <sched/sched.h>
#include <stdatomic.h>
#include <string.h>

static void add_cpu_ns(struct thread *thread, void *inout_ns)
{
    *(uint64_t *)inout_ns += thread_cpu_ns(thread);
}

// What is known without the account, which an ended process no longer has.
static void fill(struct process *process, struct ts_process_statistics *statistics)
{
    uint64_t cpu_ns = atomic_load_explicit(&process->past_cpu_ns, memory_order_relaxed);
    process_threads_each(process, add_cpu_ns, &cpu_ns);
    irqflags_t flags = spin_lock(&process->lock);
    *statistics = (struct ts_process_statistics){
        .id = process->member.id,
        .handles = process->handles.used,
        .threads = process->thread_count,
        .cpu_ns = cpu_ns,
        .started_ns = (uint64_t)process->started_at,
        .requests_issued = atomic_load_explicit(&process->requests_issued, memory_order_relaxed),
        .requests_served = atomic_load_explicit(&process->requests_served, memory_order_relaxed),
        .state = process->state == PROCESS_ENDED ? process->report.reason : TS_EXIT_NONE,
    };
    size_t length = strlen(process->name);
    memcpy(statistics->name, process->name, length < TS_NAME_MAX ? length : TS_NAME_MAX);
    spin_unlock(&process->lock, flags);
}

ts_status_t process_statistics_get(struct process *process, struct operation *operation)
{
    struct ts_process_statistics statistics;
    fill(process, &statistics);
    if (process_use(process) == TS_OK) {
        statistics.pages = account_used(process->account);
        process_unuse(process);
    }
    return operation_get(operation, &statistics, sizeof(statistics));
}
