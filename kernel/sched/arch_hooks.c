// SPDX-License-Identifier: MIT
// What the machine layer asks of the scheduler. See arch/hooks.h.
#include <arch/hooks.h>

#include <core/timer_queue.h>
#include <sched/sched.h>

void kernel_exit_work(struct arch_frame *frame)
{
    (void)frame;
    thread_exit_work();
}

void kernel_preempt(void)
{
    thread_preempt();
}

void kernel_timer(void)
{
    timer_queue_expire();
}
