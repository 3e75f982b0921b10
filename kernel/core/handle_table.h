// SPDX-License-Identifier: MIT
// A process's handles: 2^20 slots at most, in pages that are made as needed.
//
// Look-up takes no lock: it runs with interrupts off, reads an entry's word, its object and the
// word again; writers change entries under the table's lock and the pages are never freed while
// the process lives. A slot that is freed goes to the end of a queue, so that a stale handle stays
// recognisable as long as possible; its generation (never 0) changes.
//
// An entry is FREE, USED, RESERVED (a pending operation will put its result there) or TRANSIT (its
// handle was taken out to be sent, and comes back if it is not delivered). The last two name no
// object: they only keep the slot.
#pragma once

#include <core/object.h>
#include <tessera/abi/status.h>
#include <tessera/abi/word.h>

#define HANDLE_PAGE_ENTRIES      256u // 16 bytes each
#define HANDLE_DIRECTORY_ENTRIES 512u
#define HANDLE_DIRECTORIES       8u

enum handle_state { HANDLE_FREE, HANDLE_USED, HANDLE_RESERVED, HANDLE_TRANSIT };

#define HANDLE_GENERATION_MAX 0xfffu
#define HANDLE_BATCH          32u // entries are taken from the job by so many

struct handle_entry {
    _Atomic(struct object *) object;
    _Atomic uint64_t word; // rights | generation << 16 | state << 32; FREE: next free << 36
};

struct handle_page {
    struct handle_entry entries[HANDLE_PAGE_ENTRIES];
};

struct handle_directory {
    _Atomic(struct handle_page *) pages[HANDLE_DIRECTORY_ENTRIES];
};

struct handle_table {
    struct spinlock lock;
    _Atomic(struct handle_directory *) directories[HANDLE_DIRECTORIES];
    uint32_t slots;                // slots whose pages exist
    uint32_t begun;                // slots below were used at some time; the others' entries are 0
    uint32_t free_head, free_tail; // queue of slots that are free again; 0 = empty
    uint32_t used, limit;
    uint32_t granted; // entries that the process's job was charged for: `used` and some to come
    bool closed;      // the process ends: nothing is installed any more
};

// The entry of a slot, or NULL where no page is. Every slot number is in range by its width, so no
// speculation leaves the tables.
static inline struct handle_entry *handle_entry_of(struct handle_table *table, uint32_t slot)
{
    uint32_t page_index = slot / HANDLE_PAGE_ENTRIES;
    struct handle_directory *directory = atomic_load_explicit(
        &table->directories[page_index / HANDLE_DIRECTORY_ENTRIES], memory_order_acquire);
    if (directory == NULL) {
        return NULL;
    }
    struct handle_page *page = atomic_load_explicit(
        &directory->pages[page_index % HANDLE_DIRECTORY_ENTRIES], memory_order_acquire);
    return page == NULL ? NULL : &page->entries[slot % HANDLE_PAGE_ENTRIES];
}

// The USED entry that a handle names and its word, or NULL. Interrupts off. What is read of the
// entry belongs together if the word is the same afterwards.
static inline struct handle_entry *handle_find(struct handle_table *table, ts_handle_t handle,
                                               uint64_t *out_word)
{
    struct handle_entry *entry = handle_entry_of(table, ts_handle_slot(handle));
    if (entry == NULL) {
        return NULL;
    }
    *out_word = atomic_load_explicit(&entry->word, memory_order_acquire);
    uint64_t named = (uint64_t)ts_handle_generation(handle) << 16 | (uint64_t)HANDLE_USED << 32;
    return (*out_word & ~(uint64_t)UINT16_MAX) == named ? entry : NULL;
}

// `limit`: most entries in use at once.
void handle_table_init(struct handle_table *table, uint32_t limit);
// Gives up to `most` entries up; true while there are more. Called until false at process end,
// with `closed` set first; then handle_table_fini frees the pages.
bool handle_table_drain(struct handle_table *table, uint32_t most);
void handle_table_fini(struct handle_table *table);

// Interrupts must be off; the result may be used until they are on again, or until an
// object_try_get. TS_ERR_HANDLE, TS_ERR_RIGHTS (one of `rights` missing).
static inline TS_MUST_USE ts_status_t handle_lookup(struct handle_table *table, ts_handle_t handle,
                                                    ts_rights_t rights, struct handle *out_borrowed)
{
    uint64_t word;
    struct handle_entry *entry = handle_find(table, handle, &word);
    if (entry == NULL) {
        return TS_ERR_HANDLE;
    }
    struct object *object = atomic_load_explicit(&entry->object, memory_order_acquire);
    if (atomic_load_explicit(&entry->word, memory_order_relaxed) != word || object == NULL) {
        return TS_ERR_HANDLE; // it was closed between the two looks
    }
    if ((rights & ~(ts_rights_t)word) != 0) {
        return TS_ERR_RIGHTS;
    }
    *out_borrowed = (struct handle){.object = object, .rights = (ts_rights_t)word};
    return TS_OK;
}
// Whether `handle` still means `object`. Interrupts off; used after taking the lock that closing
// the last handle of the object needs.
static inline bool handle_still(struct handle_table *table, ts_handle_t handle,
                                const struct object *object)
{
    struct handle borrowed;
    return handle_lookup(table, handle, 0, &borrowed) == TS_OK && borrowed.object == object;
}
// Looks up and takes a reference (not a handle count); for a served object the reference is the
// port's. Any context. The caller puts it with object_put (served: port_put).
TS_MUST_USE ts_status_t handle_get(struct handle_table *table, ts_handle_t handle,
                                   ts_rights_t rights, struct handle *out_referenced);

// Puts a handle in (moves it). On failure (TS_ERR_LIMIT, TS_ERR_MEMORY, TS_ERR_GONE when the
// table is closed) the handle stays the caller's.
TS_MUST_USE ts_status_t handle_install(struct handle_table *table, struct handle held,
                                       ts_handle_t *out_handle);
// Takes a handle out. TS_ERR_HANDLE; TS_ERR_BUSY when in transit.
TS_MUST_USE ts_status_t handle_remove(struct handle_table *table, ts_handle_t handle,
                                      struct handle *out_held);

// A slot for a result to come. Either filled or released, exactly once.
TS_MUST_USE ts_status_t handle_reserve(struct handle_table *table, ts_handle_t *out_handle);
// Cannot fail, save that a closed table gives the handle up.
void handle_fill(struct handle_table *table, ts_handle_t reserved, struct handle held);
void handle_release(struct handle_table *table, ts_handle_t reserved);

// Moves a handle with TS_RIGHT_TRANSFER out to be sent: the caller owns it from
// here on, whatever becomes of the table, and the entry keeps its slot. Then handle_transit_commit,
// when it was delivered, frees the entry; or handle_transit_return moves it back, and the handle is
// usable again. A closed table gives what comes back up. TS_ERR_HANDLE, TS_ERR_RIGHTS.
TS_MUST_USE ts_status_t handle_transit(struct handle_table *table, ts_handle_t handle,
                                       struct handle *out_held);
void handle_transit_commit(struct handle_table *table, ts_handle_t handle);
void handle_transit_return(struct handle_table *table, ts_handle_t handle, struct handle held);
