// SPDX-License-Identifier: MIT
#include <machine/vector.h>

#include <machine/features.h>
#include <panic.h>
#include <string.h>

#define MXCSR_INITIAL UINT32_C(0x1f80)
#define FCW_INITIAL   UINT16_C(0x037f)

#define AREA_MXCSR  24
#define AREA_HEADER 512
#define AREA_MAX    4096

static char initial_image[AREA_MAX] __attribute__((aligned(ARCH_VECTOR_ALIGN)));

void vector_init(void)
{
    KREQUIRE(cpu_features.vector_size <= AREA_MAX);
    uint32_t mxcsr = MXCSR_INITIAL;
    uint16_t fcw = FCW_INITIAL;
    memcpy(initial_image, &fcw, sizeof(fcw));
    memcpy(initial_image + AREA_MXCSR, &mxcsr, sizeof(mxcsr));
}

size_t arch_vector_size(void)
{
    return cpu_features.vector_size;
}

void vector_thread_init(struct arch_thread *thread, void *area)
{
    thread->vector_area = area;
    thread->vector_cpu = VECTOR_CPU_NONE;
    thread->vector_in_area = false;
    thread->mxcsr = MXCSR_INITIAL;
    thread->fcw = FCW_INITIAL;
    if (area && cpu_features.xsave) {
        memset((char *)area + AREA_HEADER, 0, 64); // XSAVE leaves most of its header alone
    }
}

static void area_save(void *area)
{
    uint32_t low = (uint32_t)cpu_features.xcr0, high = (uint32_t)(cpu_features.xcr0 >> 32);
    if (cpu_features.xsaveopt) {
        __asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    } else if (cpu_features.xsave) {
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    } else {
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
    }
}

static void area_load(const void *area)
{
    uint32_t low = (uint32_t)cpu_features.xcr0, high = (uint32_t)(cpu_features.xcr0 >> 32);
    if (cpu_features.xsave) {
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    } else {
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
    }
}

void vector_save(struct arch_thread *thread)
{
    if (arch_frame_is_syscall(arch_thread_frame(thread))) {
        __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(thread->mxcsr), "=m"(thread->fcw));
        thread->vector_in_area = false;
    } else {
        area_save(thread->vector_area);
        thread->vector_in_area = true;
    }
}

void vector_load(struct cpu *cpu, struct arch_thread *thread)
{
    if (cpu->arch.vector_owner == thread && thread->vector_cpu == cpu->id) {
        return;
    }
    cpu->arch.vector_owner = thread;
    thread->vector_cpu = cpu->id;
    if (thread->vector_in_area) {
        area_load(thread->vector_area);
        return;
    }
    area_load(initial_image);
    if (thread->mxcsr != MXCSR_INITIAL) {
        __asm__ volatile("ldmxcsr %0" : : "m"(thread->mxcsr));
    }
    if (thread->fcw != FCW_INITIAL) {
        __asm__ volatile("fldcw %0" : : "m"(thread->fcw));
    }
}
