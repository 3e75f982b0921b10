// SPDX-License-Identifier: MIT
// Thread-local storage as compilers for this machine lay it out: variant II of the ELF TLS
// specification, variables below the thread pointer and struct ts_thread_control above.
#include <tessera/lib/start.h>
#include <tessera/lib/thread.h>

// What each thread's storage begins as.
static struct {
    const unsigned char *initial;
    size_t initial_size, size, align;
} tls;

void ts_thread_local_set(const void *initial, size_t initial_size, size_t size, size_t align)
{
    tls.initial = initial;
    tls.initial_size = initial_size;
    tls.size = size;
    tls.align = align;
}

size_t ts_thread_local_size(void)
{
    return tls.size + tls.align + sizeof(struct ts_thread_control);
}

// memcpy is libc's and may not be there yet, hence the loop.
uint64_t ts_thread_local_init(void *storage)
{
    uintptr_t align = tls.align != 0 ? tls.align : 16;
    uintptr_t pointer = ((uintptr_t)storage + tls.size + align - 1) & ~(align - 1);
    unsigned char *variables = (unsigned char *)(pointer - tls.size);
    for (size_t i = 0; i < tls.size; i++) {
        variables[i] = i < tls.initial_size ? tls.initial[i] : 0;
    }
    return ts_thread_control_init((struct ts_thread_control *)pointer);
}
