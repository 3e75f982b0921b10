// SPDX-License-Identifier: MIT
#include <machine/features.h>

#include <arch/cpu.h>
#include <machine/descriptors.h>
#include <machine/x86.h>
#include <panic.h>
#include <string.h>

// x87, SSE, AVX, and the three parts of AVX-512, which go together.
#define XCR0_BASE   UINT64_C(0x03)
#define XCR0_AVX    UINT64_C(0x04)
#define XCR0_AVX512 UINT64_C(0xe0)

// Entries 0 to 3 are WB, WC, UC-, UC; the upper four the same, so that the PAT bit, whose place in
// an entry depends on the page's size, is never needed.
#define PAT_VALUE UINT64_C(0x0007010600070106)

struct cpu_features cpu_features;

void system_call_start(void);

static void detect_vector_state(void)
{
    struct cpu_features *f = &cpu_features;
    f->vector_size = 512;
    if (!f->xsave) {
        return;
    }
    struct cpuid sizes = x86_cpuid(0xd, 0);
    uint64_t supported = sizes.eax | (uint64_t)sizes.edx << 32;
    f->xcr0 = XCR0_BASE;
    if (supported & XCR0_AVX) {
        f->xcr0 |= XCR0_AVX;
        if ((supported & XCR0_AVX512) == XCR0_AVX512) {
            f->xcr0 |= XCR0_AVX512;
        }
    }
    // Each component's place is fixed; the size is where the last one ends.
    f->vector_size = 512 + 64;
    for (uint32_t i = 2; i < 8; i++) {
        if (f->xcr0 & UINT64_C(1) << i) {
            struct cpuid component = x86_cpuid(0xd, i);
            uint32_t end = component.eax + component.ebx;
            f->vector_size = end > f->vector_size ? end : f->vector_size;
        }
    }
    f->xsaveopt = x86_cpuid(0xd, 1).eax & 1;
}

// So it is with AMD's CPUs, and those made after them, that do not say otherwise.
static bool detect_x87_pointers_stay(void)
{
    struct cpuid vendor = x86_cpuid(0, 0); // "AuthenticAMD", "HygonGenuine"
    bool amd = vendor.ebx == 0x68747541 && vendor.edx == 0x69746e65 && vendor.ecx == 0x444d4163;
    bool hygon = vendor.ebx == 0x6f677948 && vendor.edx == 0x6e65476e && vendor.ecx == 0x656e6975;
    bool restored =
        x86_cpuid(0x80000000, 0).eax >= 0x80000008 && (x86_cpuid(0x80000008, 0).ebx >> 2 & 1);
    return (amd || hygon) && !restored;
}

static void detect_name(void)
{
    char *to = cpu_features.name;
    for (uint32_t leaf = 0; leaf < 3; leaf++) {
        struct cpuid part = x86_cpuid(0x80000002 + leaf, 0);
        memcpy(to + 16 * leaf, &part, 16);
    }
    size_t blanks = 0;
    while (to[blanks] == ' ') {
        blanks++;
    }
    memmove(to, to + blanks, sizeof(cpu_features.name) - blanks);
}

// QEMU stands still for ever when CR4.OSXSAVE is set on a model with XSAVE and none of what came
// after it (Opteron_G4, Opteron_G5): it takes the bit for a reserved one. FXSAVE does there.
static bool xsave_hangs(bool hypervisor)
{
    return hypervisor && x86_cpuid(0xd, 1).eax == 0;
}

void features_detect(void)
{
    struct cpu_features *f = &cpu_features;
    uint32_t max = x86_cpuid(0, 0).eax;
    struct cpuid one = x86_cpuid(1, 0);
    struct cpuid extended = x86_cpuid(0x80000001, 0);
    f->pge = one.edx >> 13 & 1;
    f->pat = one.edx >> 16 & 1;
    f->x2apic = one.ecx >> 21 & 1;
    f->tsc_deadline = one.ecx >> 24 & 1;
    f->rdrand = one.ecx >> 30 & 1;
    f->hypervisor = one.ecx >> 31 & 1;
    f->xsave = (one.ecx >> 26 & 1) && max >= 0xd && !xsave_hangs(f->hypervisor);
    f->gib_pages = extended.edx >> 26 & 1;
    if (max >= 7) {
        struct cpuid seven = x86_cpuid(7, 0);
        f->smep = seven.ebx >> 7 & 1;
        f->erms = seven.ebx >> 9 & 1;
        f->rdseed = seven.ebx >> 18 & 1;
        f->smap = seven.ebx >> 20 & 1;
        f->umip = seven.ecx >> 2 & 1;
    }
    cpu_has_erms = f->erms;
    detect_vector_state();
    f->x87_pointers_stay = detect_x87_pointers_stay();
    if (x86_cpuid(0x80000000, 0).eax >= 0x80000004) {
        detect_name();
    }
}

void features_enable(void)
{
    const struct cpu_features *f = &cpu_features;
    uint64_t cr0 = x86_read_cr0() & ~(CR0_EM | CR0_TS | CR0_AM | CR0_NW | CR0_CD);
    x86_write_cr0(cr0 | CR0_MP | CR0_NE | CR0_WP);
    uint64_t cr4 = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    cr4 |= f->pge ? CR4_PGE : 0;
    cr4 |= f->umip ? CR4_UMIP : 0;
    cr4 |= f->smep ? CR4_SMEP : 0;
    cr4 |= f->smap ? CR4_SMAP : 0;
    cr4 |= f->xsave ? CR4_OSXSAVE : 0;
    x86_write_cr4(cr4);
    if (f->xsave) {
        x86_xsetbv(0, f->xcr0);
    }
    if (f->pat) {
        x86_wrmsr(MSR_PAT, PAT_VALUE);
    }
    // SYSCALL takes code and stack selectors from bits 47:32, SYSRET from 63:48 (+16 and +8).
    // FFXSR, had firmware left it, would have FXSAVE and FXRSTOR leave out the XMM registers.
    x86_wrmsr(MSR_EFER, (x86_rdmsr(MSR_EFER) & ~EFER_FFXSR) | EFER_SCE | EFER_NXE);
    x86_wrmsr(MSR_STAR,
              (uint64_t)(SELECTOR_USER_DATA - 8) << 48 | (uint64_t)SELECTOR_KERNEL_CODE << 32);
    x86_wrmsr(MSR_LSTAR, (uint64_t)system_call_start);
    x86_wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_DF | RFLAGS_TF | RFLAGS_AC | RFLAGS_NT);
    // Whatever firmware left: SYSENTER is a fault, and there are no breakpoints.
    x86_wrmsr(MSR_SYSENTER_CS, 0);
    __asm__ volatile("movq %0, %%dr7" : : "r"(DR7_NONE));
}

const char *arch_cpu_name(void)
{
    return cpu_features.name;
}

static bool rdseed(uint64_t *out_value)
{
    bool ok;
    __asm__ volatile("rdseed %0; setc %1" : "=r"(*out_value), "=q"(ok) : : "cc");
    return ok;
}

static bool rdrand(uint64_t *out_value)
{
    bool ok;
    __asm__ volatile("rdrand %0; setc %1" : "=r"(*out_value), "=q"(ok) : : "cc");
    return ok;
}

bool arch_random(uint64_t *out_value)
{
    for (int i = 0; i < 16; i++) {
        if ((cpu_features.rdseed && rdseed(out_value)) ||
            (cpu_features.rdrand && rdrand(out_value))) {
            return true;
        }
        arch_cpu_relax();
    }
    return false;
}

struct patch {
    char *at;
    uint8_t bytes[8];
};

extern const struct patch kernel_patch_smap_start[], kernel_patch_smap_end[];
extern const struct patch kernel_patch_x87_start[], kernel_patch_x87_end[];

static void patch_table(const struct patch *patch, const struct patch *end)
{
    for (; patch < end; patch++) {
        memcpy(patch->at, patch->bytes, 3);
    }
}

void patch_apply(void)
{
    if (cpu_features.smap) {
        patch_table(kernel_patch_smap_start, kernel_patch_smap_end);
    }
    if (cpu_features.x87_pointers_stay) {
        patch_table(kernel_patch_x87_start, kernel_patch_x87_end);
    }
    x86_cpuid(0, 0); // serialises, so that no old instruction bytes are executed
}
