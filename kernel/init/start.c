// SPDX-License-Identifier: MIT
#include <init/start.h>

#include <arch/cpu.h>
#include <arch/smp.h>
#include <init/first_program.h>
#include <init/provoke.h>
#include <log.h>
#include <mm/heap.h>
#include <mm/page.h>
#include <object/job.h>
#include <object/log_object.h>
#include <object/random.h>
#include <object/reaper.h>
#include <object/thread.h>
#include <panic.h>
#include <sched/futex.h>
#include <sched/sched.h>
#include <stdatomic.h>
#include <tessera/abi/syscall.h>

static _Atomic bool memory_ready;   // kernel/mm works: further CPUs may make their queues
static _Atomic uint32_t cpus_ready; // that have

// The rest of the start, in a thread: it may be preempted and may wait for other CPUs.
static _Noreturn void boot_thread(void)
{
    arch_irq_enable();
    provoke();
    first_program_start();
    arch_irq_disable();
    thread_leave();
}

static void init_memory(void)
{
    page_init();
    heap_init();
    random_init();
    job_init();
    log_object_init();
    futex_init((const uint64_t[]){random_u64(), random_u64()});
}

_Noreturn void kernel_start(void)
{
    init_memory();
    arch_irq_disable();
    sched_cpu_init(kernel_thread_create(NULL, TS_PRIORITY_IDLE));
    atomic_store_explicit(&memory_ready, true, memory_order_release);
    for (uint32_t i = 0; i < cpu_count(); i++) {
        arch_cpu_kick(cpu_by_id(i));
    }
    arch_irq_enable();
    while (atomic_load_explicit(&cpus_ready, memory_order_acquire) + 1 < cpu_count()) {
        arch_cpu_relax();
    }
    reaper_init(kernel_thread_create(reaper_run, TS_PRIORITY_NORMAL));
    if (kernel_thread_start(boot_thread, TS_PRIORITY_NORMAL) == NULL) {
        panic("no memory for the first thread");
    }
    sched_cpu_start();
}

_Noreturn void kernel_cpu_start(void)
{
    // Pairs with the release above. A kick ends each wait.
    while (!atomic_load_explicit(&memory_ready, memory_order_acquire)) {
        arch_cpu_idle();
    }
    sched_cpu_init(kernel_thread_create(NULL, TS_PRIORITY_IDLE));
    atomic_fetch_add_explicit(&cpus_ready, 1, memory_order_release);
    sched_cpu_start();
}
