// SPDX-License-Identifier: MIT
// No page tables: nothing can be mapped, and nothing is.
#include <arch/space.h>

#include <tessera/abi/status.h>

static struct arch_space kernel_space;

ts_status_t arch_space_create(struct arch_space *space)
{
    return TS_ERR_MEMORY;
}

bool arch_space_destroy_some(struct arch_space *space)
{
    return false;
}

struct arch_space *arch_kernel_space(void)
{
    return &kernel_space;
}

ts_status_t arch_space_map(struct arch_space *space, vaddr_t address, paddr_t page, unsigned prot,
                           enum arch_cache cache)
{
    return TS_ERR_MEMORY;
}

ts_status_t arch_space_map_range(struct arch_space *space, vaddr_t address, paddr_t page,
                                 uint64_t count, unsigned prot, enum arch_cache cache)
{
    return TS_ERR_MEMORY;
}

ts_status_t arch_space_query(struct arch_space *space, vaddr_t address, paddr_t *out_page,
                             unsigned *out_prot)
{
    return TS_ERR_NOT_FOUND;
}

void arch_flush_commit(struct arch_flush *flush)
{
    arch_flush_begin(flush, flush->space);
}

ts_status_t arch_space_unmap(struct arch_space *space, vaddr_t address, struct arch_flush *flush,
                             paddr_t *out_page)
{
    return TS_ERR_NOT_FOUND;
}

vaddr_t arch_space_unmap_range(struct arch_space *space, vaddr_t address, uint64_t count,
                               struct arch_flush *flush,
                               void (*removed)(vaddr_t address, paddr_t page, void *context),
                               void *context)
{
    return address + count * PAGE_SIZE;
}

ts_status_t arch_space_protect(struct arch_space *space, vaddr_t address, unsigned prot,
                               struct arch_flush *flush)
{
    return TS_ERR_NOT_FOUND;
}

ts_status_t arch_space_remap(struct arch_space *space, vaddr_t address, paddr_t page, unsigned prot,
                             struct arch_flush *flush)
{
    return TS_ERR_NOT_FOUND;
}

vaddr_t arch_space_protect_range(struct arch_space *space, vaddr_t address, uint64_t count,
                                 unsigned prot, struct arch_flush *flush)
{
    return address + count * PAGE_SIZE;
}

void arch_space_load(struct arch_space *space)
{}
