// SPDX-License-Identifier: MIT
// The kernel half: image (each segment with its own rights, never writable and executable), direct
// map of all RAM with the largest pages that fit, and the window for what is mapped later.
#include <arch/memory.h>

#include <arch/boot.h>
#include <machine/features.h>
#include <machine/paging.h>
#include <machine/x86.h>
#include <panic.h>
#include <string.h>

extern char kernel_text_start[], kernel_rodata_start[], kernel_rodata_end[], kernel_data_start[],
    kernel_data_end[];

#define ROOT_DIRECT pte_index(KERNEL_DIRECT_BASE, 4)
#define ROOT_WINDOW pte_index(KERNEL_WINDOW_BASE, 4)
#define ROOT_IMAGE  pte_index(KERNEL_IMAGE_BASE, 4)

static uint64_t *root;
static unsigned direct_roots; // top-level entries that the direct map uses

// The table below `entry`, made if it is missing.
static uint64_t *table_below(uint64_t *entry)
{
    if (!(*entry & PTE_PRESENT)) {
        *entry = boot_page_alloc(PAGE_SIZE, PAGE_SIZE) | PTE_PRESENT | PTE_WRITE;
    }
    return phys_to_virt(*entry & PTE_ADDRESS);
}

// The largest level whose page fits at both addresses and into `size`.
static unsigned level_fit(vaddr_t address, paddr_t page, uint64_t size)
{
    for (unsigned level = cpu_features.gib_pages ? 3 : 2; level > 1; level--) {
        uint64_t reach = PAGE_SIZE << 9 * (level - 1);
        if (!((address | page) & (reach - 1)) && size >= reach) {
            return level;
        }
    }
    return 1;
}

static void map(vaddr_t address, paddr_t page, uint64_t size, unsigned prot)
{
    while (size) {
        unsigned fit = level_fit(address, page, size);
        uint64_t *table = root;
        for (unsigned level = 4; level > fit; level--) {
            table = table_below(&table[pte_index(address, level)]);
        }
        uint64_t reach = PAGE_SIZE << 9 * (fit - 1);
        table[pte_index(address, fit)] =
            pte_make(page, prot, ARCH_CACHE_WRITE_BACK) | (fit > 1 ? PTE_LARGE : 0);
        address += reach;
        page += reach;
        size -= reach;
    }
}

static void map_image(const char *start, const char *end, unsigned prot)
{
    map((vaddr_t)start, virt_to_phys(start), (uint64_t)(end - start), prot);
}

static void map_ram_part(paddr_t base, paddr_t end, unsigned prot)
{
    map((vaddr_t)phys_to_virt(base), base, end - base, prot);
}

// A range of RAM. What the image maps read-only is not writable here either.
static void map_ram(paddr_t base, paddr_t end)
{
    paddr_t text = virt_to_phys(kernel_text_start), data = virt_to_phys(kernel_rodata_end);
    if (base <= text && data <= end) {
        map_ram_part(base, text, ARCH_PROT_WRITE);
        map_ram_part(text, data, ARCH_PROT_READ);
        base = data;
    }
    map_ram_part(base, end, ARCH_PROT_WRITE);
}

static void map_direct(void)
{
    paddr_t base = 0, end = 0;
    for (uint32_t i = 0; i < boot_info.range_count; i++) {
        const struct boot_range *r = &boot_info.ranges[i];
        if (r->kind == BOOT_MEMORY_RESERVED) {
            continue;
        }
        if (r->base != end) { // neighbours of different kinds are mapped as one
            map_ram(base, end);
            base = r->base;
        }
        end = r->base + r->size;
    }
    map_ram(base, end);
    direct_roots = end ? pte_index((vaddr_t)phys_to_virt(end - 1), 4) - ROOT_DIRECT + 1 : 0;
}

void kernel_map_init(void)
{
    kernel_space.root = boot_page_alloc(PAGE_SIZE, PAGE_SIZE);
    root = phys_to_virt(kernel_space.root);
    map_image(kernel_text_start, kernel_rodata_start, ARCH_PROT_EXECUTE);
    map_image(kernel_rodata_start, kernel_rodata_end, ARCH_PROT_READ);
    map_image(kernel_data_start, kernel_data_end, ARCH_PROT_WRITE);
    map_direct();
    table_below(&root[ROOT_WINDOW]);
    x86_write_cr3(kernel_space.root);
}

void kernel_root_copy(uint64_t *to)
{
    memcpy(&to[ROOT_DIRECT], &root[ROOT_DIRECT], direct_roots * sizeof(*to));
    to[ROOT_WINDOW] = root[ROOT_WINDOW];
    to[ROOT_IMAGE] = root[ROOT_IMAGE];
}
