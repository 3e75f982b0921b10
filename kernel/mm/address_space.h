// SPDX-License-Identifier: MIT
// Address spaces: what is mapped where for one process.
//
// A space has regions, each a window on a memory object. Pages are entered into the page tables
// when they are touched, always by this kernel alone: a fault never waits for another process.
// Page tables and regions are charged to the account of the space, pages of memory to its maker.
//
// Locks: a space's lock is a leaf for kernel/core and kernel/object (it may be taken under any of
// theirs; nothing of theirs is taken under it); below it come the memory object's lock and those
// of pages and heap. It is never held for longer than SPACE_CHUNK regions, or a walk over
// ARCH_RANGE_PAGES pages, take.
//
// A page that is found here is used after the lock is dropped, by a reference of its own: unmapping
// never waits for a copy, and a copy never keeps a mapping alive.
//
// What holds between regions and entries. A region says what is permitted; its pages' entries
// follow. Outside of a space_protect() no entry permits more than its region; it may permit less,
// and then the next fault widens it. So a fault that is answered TS_OK has entered a page or
// widened its entry, or another CPU did just before, and the same fault does not come again.
#pragma once

#include <base/list.h>
#include <arch/hooks.h>
#include <arch/space.h>
#include <spinlock.h>
#include <tessera/abi/syscall.h>
#include <tessera/abi/status.h>
#include <tessera/abi/types.h>
#include <mm/account.h>
#include <mm/range_tree.h>

struct memory;
struct region_change;

#define SPACE_CHUNK       64u // regions dealt with per lock hold
#define SPACE_REGIONS_MAX 65536u

// What is placed apart, so that an address in one tells nothing of another.
enum space_area { SPACE_MEMORY, SPACE_STACKS, SPACE_RINGS, SPACE_AREAS };

// A flag of space_map() that programs do not have: the memory is a ring's.
#define SPACE_MAP_RING (1u << 31)

struct address_space {
    struct arch_space arch; // first: the current space is found from the thread's arch space
    struct spinlock lock;
    struct range_tree regions; // struct region, by address
    uint32_t region_count;
    bool dead;                 // being destroyed: nothing is found or mapped any more
    vaddr_t base[SPACE_AREAS]; // where the kernel starts to look for room: random, each by itself
    uint64_t maps;             // calls of space_map so far
    uint64_t changes;          // how often entries were made or changed
    struct account *account;
};

// A window on a memory object. Under the lock of its space; `link` under the memory's.
struct region {
    struct range range;    // addresses
    struct memory *memory; // a reference is held; never a view: those are resolved when mapping
    uint64_t offset;       // bytes in the memory of the region's start
    uint8_t protection;    // TS_MAP_READ | WRITE | EXECUTE
    uint8_t allowed;       // what protect may make of it
    uint64_t number;       // of the map call that made it; its parts keep it
    struct region_change *change; // a protect in progress, or NULL; see region_protection()
    struct address_space *space;
    struct list link; // in memory.regions
};

// With no region; `random` decides where each of its areas begins. Takes a reference to the
// account. TS_ERR_MEMORY, TS_ERR_LIMIT. The space is a heap object of its own.
TS_MUST_USE ts_status_t space_create(struct account *account, const uint64_t random[SPACE_AREAS],
                                     struct address_space **out_space);

// Ends a space in which no thread will run and from which nobody copies any more: call
// space_destroy_some() until false, then space_free(). Interrupts on, no lock held.
bool space_destroy_some(struct address_space *space);
void space_free(struct address_space *space);

// The address space of the current thread, NULL for a kernel thread. Interrupts off, or the caller
// is the thread itself.
struct address_space *space_current(void);

// Maps [offset, offset + length) of a memory object. `flags`: TS_MAP_*, SPACE_MAP_RING; `allowed`:
// the TS_MAP_READ, WRITE, EXECUTE that the handle's rights permit, now and by space_protect later.
// *inout_address: with FIXED where exactly, else a wish or 0. Preemptible; with POPULATE it goes on
// page by page. TS_ERR_ARGUMENT: unaligned, empty, unknown flags, WRITE with EXECUTE;
// TS_ERR_RIGHTS: not allowed; TS_ERR_RANGE: beyond the memory or user addresses; TS_ERR_BUSY:
// beyond what the memory is being shrunk to; TS_ERR_EXISTS: FIXED and taken; TS_ERR_LIMIT;
// TS_ERR_MEMORY: no room. When POPULATE fails (TS_ERR_LIMIT, TS_ERR_MEMORY, TS_ERR_INTERRUPTED: the
// thread is to end) what is left of the mapping is undone, and nothing that others mapped since.
TS_MUST_USE ts_status_t space_map(struct address_space *space, struct memory *memory,
                                  uint64_t offset, uint64_t length, unsigned flags,
                                  unsigned allowed, vaddr_t *inout_address);

// The same, `allowed` from a handle's rights.
unsigned space_allowed(ts_rights_t rights);

// Removes what is mapped in the range; holes are no error. Preemptible: it goes through the range
// once, and what others map meanwhile where it has been stays. TS_ERR_ARGUMENT, TS_ERR_RANGE,
// TS_ERR_MEMORY or TS_ERR_LIMIT (splitting a region needs a record; no effect then). A thread that
// is to end leaves its own space half done (TS_ERR_INTERRUPTED), never another's.
TS_MUST_USE ts_status_t space_unmap(struct address_space *space, vaddr_t address, uint64_t length);

// Changes the protection of all that is mapped in the range, all at once: others find either what
// was or what is asked. TS_ERR_NOT_FOUND: it has holes; TS_ERR_RIGHTS: not allowed; TS_ERR_BUSY:
// two protects of more than SPACE_CHUNK regions meet, or others map and unmap there meanwhile;
// TS_ERR_INTERRUPTED: the thread is to end; no effect with any error. When it returns, no CPU can
// do what is not permitted any more.
TS_MUST_USE ts_status_t space_protect(struct address_space *space, vaddr_t address, uint64_t length,
                                      unsigned protection);

// Makes the page at `address` present for an access. TS_ERR_FAULT: nothing mapped, or not for this
// access; TS_ERR_LIMIT, TS_ERR_MEMORY: no page could be charged. Any context; no lock of a space or
// memory held. `fault`: ARCH_FAULT_*.
TS_MUST_USE ts_status_t space_fault(struct address_space *space, vaddr_t address, unsigned fault);

// The same for a fault of the current thread, or of a copy that it makes, in its own space. Also
// TS_ERR_FAULT: the same fault came again and again although there was nothing to do;
// TS_ERR_INTERRUPTED: a copy of a thread that is to end.
TS_MUST_USE ts_status_t space_fault_current(vaddr_t address, unsigned fault);

// For user_exception(): why space_fault_current() did not resolve the last fault of the current
// thread: TS_ERR_LIMIT or TS_ERR_MEMORY (end it with TS_EXIT_LIMIT), else TS_ERR_FAULT.
TS_MUST_USE ts_status_t space_fault_reason(void);

// Finds the frame at a user address, resolving a zero-fill; on success the caller has a reference
// (page_put) and may use *out_pointer, which is where the kernel sees that very address, up to the
// end of its page. RAM only: TS_ERR_FAULT for device memory and for what the space itself may not
// access so; TS_ERR_LIMIT, TS_ERR_MEMORY. Any context as above.
struct page;
TS_MUST_USE ts_status_t space_page_get(struct address_space *space, vaddr_t address, bool write,
                                       struct page **out_page, void **out_pointer);

// What a futex word is: the same for all that share the memory. The memory is for comparing only:
// no reference is taken. TS_ERR_FAULT: not mapped; TS_ERR_ARGUMENT: not aligned to 4.
struct futex_key {
    uint64_t memory; // its id: a waiter holds no reference
    uint64_t offset;
};
TS_MUST_USE ts_status_t space_futex_key(struct address_space *space, vaddr_t address,
                                        struct futex_key *out_key);
