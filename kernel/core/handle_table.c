// SPDX-License-Identifier: MIT
// Handle tables. See handle_table.h.
#include <core/hooks.h>
#include <core/handle_table.h>

static uint64_t word_make(ts_rights_t rights, uint32_t generation, enum handle_state state)
{
    return (uint64_t)rights | (uint64_t)generation << 16 | (uint64_t)state << 32;
}

static uint32_t word_generation(uint64_t word)
{
    return (uint32_t)(word >> 16) & HANDLE_GENERATION_MAX;
}

static enum handle_state word_state(uint64_t word)
{
    return (enum handle_state)(word >> 32 & 0xf);
}

static uint64_t word_free(uint32_t generation, uint32_t next)
{
    return word_make(0, generation, HANDLE_FREE) | (uint64_t)next << 36;
}

static uint32_t generation_after(uint32_t generation)
{
    return generation == HANDLE_GENERATION_MAX ? 1 : generation + 1;
}

static ts_handle_t handle_make(uint32_t slot, uint32_t generation)
{
    return ts_handle_make(slot, generation);
}

void handle_table_init(struct handle_table *table, uint32_t limit)
{
    *table = (struct handle_table){.limit = limit};
    spin_init(&table->lock, "handle table");
}

static void free_append(struct handle_table *table, uint32_t slot, uint32_t generation)
{
    struct handle_entry *entry = handle_entry_of(table, slot);
    atomic_store_explicit(&entry->word, word_free(generation, 0), memory_order_release);
    atomic_store_explicit(&entry->object, NULL, memory_order_relaxed);
    if (table->free_tail != 0) {
        struct handle_entry *tail = handle_entry_of(table, table->free_tail);
        uint64_t word = atomic_load_explicit(&tail->word, memory_order_relaxed);
        atomic_store_explicit(&tail->word, word_free(word_generation(word), slot),
                              memory_order_relaxed);
    } else {
        table->free_head = slot;
    }
    table->free_tail = slot;
}

static ts_status_t table_grow(struct handle_table *table)
{
    ts_status_t status;
    uint32_t page_index = table->slots / HANDLE_PAGE_ENTRIES;
    if (page_index >= HANDLE_DIRECTORIES * HANDLE_DIRECTORY_ENTRIES) {
        return TS_ERR_LIMIT;
    }
    _Atomic(struct handle_directory *) *place =
        &table->directories[page_index / HANDLE_DIRECTORY_ENTRIES];
    struct handle_directory *directory = atomic_load_explicit(place, memory_order_relaxed);
    if (directory == NULL) {
        directory = environment_page_get(table, &status);
        if (directory == NULL) {
            return status;
        }
        atomic_store_explicit(place, directory, memory_order_release);
    }
    struct handle_page *page = environment_page_get(table, &status);
    if (page == NULL) {
        return status;
    }
    atomic_store_explicit(&directory->pages[page_index % HANDLE_DIRECTORY_ENTRIES], page,
                          memory_order_release);
    table->slots += HANDLE_PAGE_ENTRIES;
    if (table->begun == 0) {
        table->begun = 1; // slot 0 is never used
    }
    return TS_OK;
}

// The next free slot, and the generation of its next handle. Slots that were never used come before
// those that were, as if they had been queued when their page was made.
static ts_status_t free_take(struct handle_table *table, uint32_t *out_slot,
                             uint32_t *out_generation)
{
    if (table->begun == table->slots && table->free_head == 0) {
        ts_status_t status = table_grow(table);
        if (status != TS_OK) {
            return status;
        }
    }
    if (table->begun < table->slots) {
        *out_generation = 1;
        *out_slot = table->begun++;
        return TS_OK;
    }
    uint32_t slot = table->free_head;
    uint64_t word = atomic_load_explicit(&handle_entry_of(table, slot)->word, memory_order_relaxed);
    *out_generation = word_generation(word);
    table->free_head = (uint32_t)(word >> 36);
    if (table->free_head == 0) {
        table->free_tail = 0;
    }
    *out_slot = slot;
    return TS_OK;
}

// One more entry is paid for, with some on top where the job's limit allows. Table lock held.
static bool entry_grant(struct handle_table *table)
{
    uint32_t count = HANDLE_BATCH;
    if (!environment_handles_charge(table, count)) {
        count = 1;
        if (!environment_handles_charge(table, count)) {
            return false;
        }
    }
    table->granted += count;
    return true;
}

// One entry less is used: what has gathered goes back, but for a batch. Table lock held.
static void entry_give_back(struct handle_table *table)
{
    uint32_t spare = table->granted - --table->used;
    if (spare <= 2 * HANDLE_BATCH) {
        return;
    }
    table->granted -= spare - HANDLE_BATCH;
    environment_handles_uncharge(table, spare - HANDLE_BATCH);
}

// A free slot, its entry made `state`. Table lock held.
static ts_status_t slot_take(struct handle_table *table, struct handle held,
                             enum handle_state state, ts_handle_t *out_handle)
{
    if (table->closed) {
        return TS_ERR_GONE;
    }
    if (table->used >= table->limit || (table->used == table->granted && !entry_grant(table))) {
        return TS_ERR_LIMIT;
    }
    uint32_t generation, slot;
    ts_status_t status = free_take(table, &slot, &generation);
    if (status != TS_OK) {
        return status;
    }
    struct handle_entry *entry = handle_entry_of(table, slot);
    table->used++;
    atomic_store_explicit(&entry->object, held.object, memory_order_relaxed);
    // Pairs with the first load in handle_lookup: the object is there before the word says USED.
    atomic_store_explicit(&entry->word, word_make(held.rights, generation, state),
                          memory_order_release);
    *out_handle = handle_make(slot, generation);
    return TS_OK;
}

static void slot_free(struct handle_table *table, uint32_t slot)
{
    uint64_t word = atomic_load_explicit(&handle_entry_of(table, slot)->word, memory_order_relaxed);
    free_append(table, slot, generation_after(word_generation(word)));
    entry_give_back(table);
}

// The entry that a handle names, in any state but FREE. Table lock held.
static struct handle_entry *entry_named(struct handle_table *table, ts_handle_t handle,
                                        uint64_t *out_word)
{
    struct handle_entry *entry = handle_entry_of(table, ts_handle_slot(handle));
    if (entry == NULL) {
        return NULL;
    }
    uint64_t word = atomic_load_explicit(&entry->word, memory_order_relaxed);
    if (word_state(word) == HANDLE_FREE || word_generation(word) != ts_handle_generation(handle)) {
        return NULL;
    }
    *out_word = word;
    return entry;
}

ts_status_t handle_get(struct handle_table *table, ts_handle_t handle, ts_rights_t rights,
                       struct handle *out_referenced)
{
    irqflags_t flags = arch_irq_save();
    ts_status_t status = handle_lookup(table, handle, rights, out_referenced);
    if (status == TS_OK && !object_try_get(out_referenced->object)) {
        status = TS_ERR_HANDLE;
    }
    arch_irq_restore(flags);
    return status;
}

ts_status_t handle_install(struct handle_table *table, struct handle held, ts_handle_t *out_handle)
{
    irqflags_t flags = spin_lock(&table->lock);
    ts_status_t status = slot_take(table, held, HANDLE_USED, out_handle);
    spin_unlock(&table->lock, flags);
    return status;
}

ts_status_t handle_remove(struct handle_table *table, ts_handle_t handle, struct handle *out_held)
{
    irqflags_t flags = spin_lock(&table->lock);
    uint64_t word = 0;
    struct handle_entry *entry = entry_named(table, handle, &word);
    ts_status_t status = TS_OK;
    if (entry == NULL || word_state(word) == HANDLE_RESERVED) {
        status = TS_ERR_HANDLE;
    } else if (word_state(word) == HANDLE_TRANSIT) {
        status = TS_ERR_BUSY;
    }
    if (status == TS_OK) {
        *out_held = (struct handle){
            .object = atomic_load_explicit(&entry->object, memory_order_relaxed),
            .rights = (ts_rights_t)word,
        };
        slot_free(table, ts_handle_slot(handle));
    }
    spin_unlock(&table->lock, flags);
    return status;
}

ts_status_t handle_reserve(struct handle_table *table, ts_handle_t *out_handle)
{
    irqflags_t flags = spin_lock(&table->lock);
    ts_status_t status = slot_take(table, (struct handle){0}, HANDLE_RESERVED, out_handle);
    spin_unlock(&table->lock, flags);
    return status;
}

// The handle is where it belongs: in the entry that kept its slot in this state, or, when the
// table is closed, nowhere.
static void entry_settle(struct handle_table *table, ts_handle_t handle, enum handle_state state,
                         struct handle held)
{
    irqflags_t flags = spin_lock(&table->lock);
    uint64_t word = 0;
    struct handle_entry *entry = entry_named(table, handle, &word);
    bool kept = entry != NULL && word_state(word) == state;
    bool settled = kept && !table->closed;
    if (settled) {
        atomic_store_explicit(&entry->object, held.object, memory_order_relaxed);
        // Pairs with the first load in handle_lookup: the object is there before the word says
        // USED.
        atomic_store_explicit(&entry->word,
                              word_make(held.rights, word_generation(word), HANDLE_USED),
                              memory_order_release);
    } else if (kept) {
        slot_free(table, ts_handle_slot(handle));
    }
    spin_unlock(&table->lock, flags);
    if (!settled) {
        object_handle_put(held);
    }
}

// The entry that kept a slot in this state is free.
static void entry_give_up(struct handle_table *table, ts_handle_t handle, enum handle_state state)
{
    irqflags_t flags = spin_lock(&table->lock);
    uint64_t word = 0;
    struct handle_entry *entry = entry_named(table, handle, &word);
    if (entry != NULL && word_state(word) == state) {
        slot_free(table, ts_handle_slot(handle));
    }
    spin_unlock(&table->lock, flags);
}

void handle_fill(struct handle_table *table, ts_handle_t reserved, struct handle held)
{
    entry_settle(table, reserved, HANDLE_RESERVED, held);
}

void handle_release(struct handle_table *table, ts_handle_t reserved)
{
    entry_give_up(table, reserved, HANDLE_RESERVED);
}

ts_status_t handle_transit(struct handle_table *table, ts_handle_t handle, struct handle *out_held)
{
    irqflags_t flags = spin_lock(&table->lock);
    uint64_t word = 0;
    struct handle_entry *entry = entry_named(table, handle, &word);
    ts_status_t status = TS_OK;
    if (entry == NULL || word_state(word) != HANDLE_USED) {
        status = TS_ERR_HANDLE;
    } else if (((ts_rights_t)word & TS_RIGHT_TRANSFER) == 0) {
        status = TS_ERR_RIGHTS;
    }
    if (status == TS_OK) {
        *out_held = (struct handle){
            .object = atomic_load_explicit(&entry->object, memory_order_relaxed),
            .rights = (ts_rights_t)word,
        };
        // (A reader of the object now still finds the word of before, and what that named is the
        // caller's: it stays.)
        atomic_store_explicit(&entry->word, word_make(0, word_generation(word), HANDLE_TRANSIT),
                              memory_order_release);
        atomic_store_explicit(&entry->object, NULL, memory_order_relaxed);
    }
    spin_unlock(&table->lock, flags);
    return status;
}

void handle_transit_commit(struct handle_table *table, ts_handle_t handle)
{
    entry_give_up(table, handle, HANDLE_TRANSIT);
}

void handle_transit_return(struct handle_table *table, ts_handle_t handle, struct handle held)
{
    entry_settle(table, handle, HANDLE_TRANSIT, held);
}

bool handle_table_drain(struct handle_table *table, uint32_t most)
{
    for (uint32_t done = 0; done < most;) {
        struct handle held = {0};
        irqflags_t flags = spin_lock(&table->lock);
        table->closed = true;
        // From the end, so that `begun` is where to go on. Entries that an operation keeps a slot
        // by name no object: what it holds for them is the operation's to give up, now or later.
        bool found = false;
        while (table->begun > 0 && !found) {
            uint32_t slot = table->begun - 1;
            struct handle_entry *entry = handle_entry_of(table, slot);
            uint64_t word = atomic_load_explicit(&entry->word, memory_order_relaxed);
            if (slot != 0 && word_state(word) != HANDLE_FREE) {
                held.object = atomic_load_explicit(&entry->object, memory_order_relaxed);
                held.rights = (ts_rights_t)word;
                atomic_store_explicit(&entry->word, word_free(word_generation(word), 0),
                                      memory_order_release);
                entry_give_back(table);
                found = true;
            }
            table->begun--;
            if (++done >= most) {
                break;
            }
        }
        bool more = table->begun > 0;
        spin_unlock(&table->lock, flags);
        object_handle_put(held);
        if (!more) {
            return false;
        }
    }
    return true;
}

void handle_table_fini(struct handle_table *table)
{
    environment_handles_uncharge(table, table->granted);
    uint32_t pages = table->slots / HANDLE_PAGE_ENTRIES;
    for (uint32_t i = 0; i < HANDLE_DIRECTORIES; i++) {
        struct handle_directory *directory =
            atomic_load_explicit(&table->directories[i], memory_order_relaxed);
        for (uint32_t j = 0; j < HANDLE_DIRECTORY_ENTRIES && pages > 0; j++, pages--) {
            environment_page_put(table,
                                 atomic_load_explicit(&directory->pages[j], memory_order_relaxed));
        }
        if (directory != NULL) {
            environment_page_put(table, directory);
        }
    }
    *table = (struct handle_table){.closed = true};
}
