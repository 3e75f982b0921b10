// SPDX-License-Identifier: MIT
// No compiler lays thread-local storage out for this machine: there is the control block alone.
#include <tessera/lib/start.h>
#include <tessera/lib/thread.h>

void ts_thread_local_set(const void *initial, size_t initial_size, size_t size, size_t align)
{}

size_t ts_thread_local_size(void)
{
    return sizeof(struct ts_thread_control);
}

uint64_t ts_thread_local_init(void *storage)
{
    return ts_thread_control_init(storage);
}
