// SPDX-License-Identifier: MIT
// Address spaces as the machine knows them: page tables, and the flushing of what CPUs remember.
//
// The caller serialises changes to one space (kernel/mm's lock of the space). Table pages come
// from the hooks page_table_alloc() and page_table_free() in <arch/hooks.h>, which may charge
// the owner of the space. Intermediate tables stay until the space is destroyed.
//
// Removing or narrowing a mapping takes effect on other CPUs only at arch_flush_commit(); frames
// that were unmapped may be reused after it, not before. Adding a mapping, or widening one, needs
// no flush: a CPU that meets the old entry faults once and finds the new one.
#pragma once

#include <tessera/abi/types.h>
#include <tessera/machine/address.h>
#include <arch/types.h>
#include <machine/space.h>

#define ARCH_PROT_READ    1u // implied by the others
#define ARCH_PROT_WRITE   2u
#define ARCH_PROT_EXECUTE 4u
#define ARCH_PROT_USER    8u // addresses of programs only, and required there

enum arch_cache {
    ARCH_CACHE_WRITE_BACK = 0, // the values of enum ts_cache
    ARCH_CACHE_UNCACHED = 1,
    ARCH_CACHE_WRITE_COMBINE = 2,
};

// Whether [address, address + length) lies in user addresses; length 0 is fine there too.
static inline bool arch_user_range_ok(vaddr_t address, uint64_t length)
{
    return address >= TS_USER_BASE && address <= TS_USER_END && length <= TS_USER_END - address;
}

// A space with an empty user half that shares the kernel half. TS_ERR_MEMORY, or what
// page_table_alloc() says.
TS_MUST_USE ts_status_t arch_space_create(struct arch_space *space);

// Frees some of the tables, a bounded number; true: there are more, and it is to be called again.
// Leaf mappings are dropped, their frames are the caller's business. CPUs that idle or run kernel
// threads on this space are moved off it first; no user thread of it may be running, and nothing
// else may be done with the space from the first call on. Interrupts on or off; no lock held that
// another CPU may want with interrupts off without spin_lock().
bool arch_space_destroy_some(struct arch_space *space);

// The space of the kernel's own half: for mappings in the kernel window.
struct arch_space *arch_kernel_space(void);

// Maps one page. TS_ERR_EXISTS when one is mapped there; TS_ERR_ARGUMENT for an address outside of
// the half that `prot` means, or WRITE with EXECUTE; else what page_table_alloc() says.
TS_MUST_USE ts_status_t arch_space_map(struct arch_space *space, vaddr_t address, paddr_t page,
                                       unsigned prot, enum arch_cache cache);

// The same for `count` physically contiguous pages. On failure nothing is mapped.
TS_MUST_USE ts_status_t arch_space_map_range(struct arch_space *space, vaddr_t address,
                                             paddr_t page, uint64_t count, unsigned prot,
                                             enum arch_cache cache);

// What is mapped at an address. TS_ERR_NOT_FOUND when nothing is. Out pointers may be NULL.
TS_MUST_USE ts_status_t arch_space_query(struct arch_space *space, vaddr_t address,
                                         paddr_t *out_page, unsigned *out_prot);

// Gathers what has to be flushed. On the stack of the caller; ARCH_FLUSH_MAX pages by address,
// more become a flush of the whole space.
#define ARCH_FLUSH_MAX 64
struct arch_flush {
    struct arch_space *space;
    uint32_t count; // > ARCH_FLUSH_MAX: everything
    vaddr_t addresses[ARCH_FLUSH_MAX];
};

static inline void arch_flush_begin(struct arch_flush *flush, struct arch_space *space)
{
    flush->space = space;
    flush->count = 0;
}

// Returns when no CPU can use the gathered entries any more. Nothing gathered: returns at once,
// and the flush can be used again in any case. Callable with interrupts off and with spin locks
// held (others spinning on them answer).
void arch_flush_commit(struct arch_flush *flush);

// Removes the mapping of one page. TS_ERR_NOT_FOUND when there is none. `out_page` may be NULL.
TS_MUST_USE ts_status_t arch_space_unmap(struct arch_space *space, vaddr_t address,
                                         struct arch_flush *flush, paddr_t *out_page);

// Removes all mappings in `count` pages from `address`, skipping holes quickly; for each calls
// `removed` (may be NULL), which must not reuse the page before the commit. Does a bounded amount
// of work, at least ARCH_RANGE_PAGES pages: returns the address at which it is to go on, that of
// the range's end when it is through.
#define ARCH_RANGE_PAGES 64u
vaddr_t arch_space_unmap_range(struct arch_space *space, vaddr_t address, uint64_t count,
                               struct arch_flush *flush,
                               void (*removed)(vaddr_t address, paddr_t page, void *context),
                               void *context);

// Changes protection (and, in remap, the page) of what is mapped. TS_ERR_NOT_FOUND: nothing is.
// A page never goes from writable to executable, or back, in one step, since other CPUs remember
// the old entry until the flush: it can only be read then, and gets the rest by a further call
// after the commit.
TS_MUST_USE ts_status_t arch_space_protect(struct arch_space *space, vaddr_t address, unsigned prot,
                                           struct arch_flush *flush);
TS_MUST_USE ts_status_t arch_space_remap(struct arch_space *space, vaddr_t address, paddr_t page,
                                         unsigned prot, struct arch_flush *flush);

// Protects all that is mapped in a range; as far as arch_space_unmap_range would come.
vaddr_t arch_space_protect_range(struct arch_space *space, vaddr_t address, uint64_t count,
                                 unsigned prot, struct arch_flush *flush);

// Loads a space on this CPU (NULL: the kernel's). Interrupts off. The thread primitives do this
// for threads; this is for code that has none.
void arch_space_load(struct arch_space *space);
