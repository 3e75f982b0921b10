// SPDX-License-Identifier: MIT
#include <machine/vector.h>

#include <panic.h>
#include <string.h>

#define AREA_MXCSR  24
#define AREA_HEADER 512
#define AREA_MAX    4096

char vector_initial[AREA_MAX] __attribute__((aligned(ARCH_VECTOR_ALIGN)));

void vector_init(void)
{
    KREQUIRE(cpu_features.vector_size <= AREA_MAX);
    uint32_t mxcsr = MXCSR_INITIAL;
    uint16_t fcw = FCW_INITIAL;
    memcpy(vector_initial, &fcw, sizeof(fcw));
    memcpy(vector_initial + AREA_MXCSR, &mxcsr, sizeof(mxcsr));
}

size_t arch_vector_size(void)
{
    return cpu_features.vector_size;
}

void vector_thread_init(struct arch_thread *thread, void *area)
{
    thread->vector_area = area;
    thread->vector_cpu = VECTOR_CPU_NONE;
    thread->vector_left = LEFT_INITIAL;
    if (area != NULL && cpu_features.xsave) {
        memset((char *)area + AREA_HEADER, 0, 64); // XSAVE leaves most of its header alone
    }
}

void vector_area_save(struct arch_thread *thread)
{
    void *area = thread->vector_area;
    thread->vector_in_area = 1;
    uint32_t low = (uint32_t)cpu_features.xcr0;
    if (cpu_features.xsaveopt) {
        __asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(low), "d"(0) : "memory");
    } else if (cpu_features.xsave) {
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(low), "d"(0) : "memory");
    } else {
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
    }
}
