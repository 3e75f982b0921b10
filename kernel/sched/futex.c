// SPDX-License-Identifier: MIT
// Futexes. See futex.h.
//
// The word is compared under the bucket's lock, which a wake takes as well: so a wake that follows
// a change of the word either finds the waiter or lets it see the change. The comparison is made
// with interrupts off, so the page is made present beforehand, and again if it went meanwhile.
#include <sched/futex.h>

#include <arch/user.h>
#include <core/environment.h>

#define BUCKETS 256u // a power of two

static struct bucket {
    struct spinlock lock;
    struct list waiters; // struct request, by link, in order of arrival
} buckets[BUCKETS];

void futex_init(void)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        spin_init(&buckets[i].lock, "futex");
        list_init(&buckets[i].waiters);
    }
}

// The record keeps the key in fields which a futex has no other use for.
static void key_store(struct request *request, const struct futex_key *key)
{
    request->in_address = (uint64_t)(uintptr_t)key->memory;
    request->offset = key->offset;
}

static bool key_matches(const struct request *request, const struct futex_key *key)
{
    return request->in_address == (uint64_t)(uintptr_t)key->memory &&
           request->offset == key->offset;
}

static struct bucket *bucket_of(uint64_t memory, uint64_t offset)
{
    uint64_t hash = (memory >> 4 ^ offset >> 2) * UINT64_C(0x9e3779b97f4a7c15);
    return &buckets[hash >> 56 & (BUCKETS - 1)];
}

static struct bucket *bucket_of_request(const struct request *request)
{
    return bucket_of(request->in_address, request->offset);
}

// Compares and queues. *out_fault: the word's page is not there.
static ts_status_t wait_locked(struct request *request, struct bucket *bucket, vaddr_t address,
                               uint32_t expected, bool *out_fault)
{
    uint32_t value;
    irqflags_t flags = spin_lock(&bucket->lock);
    ts_status_t status = get_user_u32(&value, address);
    *out_fault = status == TS_ERR_FAULT;
    if (status == TS_OK && value != expected)
        status = TS_ERR_AGAIN;
    if (status == TS_OK) {
        request->home = HOME_FUTEX;
        request->state = REQUEST_PARKED;
        list_push_back(&bucket->waiters, &request->link);
        if (request->deadline != TS_DEADLINE_NONE)
            timer_start(&request->timer, request->deadline);
    }
    spin_unlock(&bucket->lock, flags);
    return status;
}

ts_status_t futex_wait(struct request *request, vaddr_t address, uint32_t expected)
{
    for (;;) {
        uint32_t value;
        struct futex_key key;
        ts_status_t status = get_user_u32(&value, address); // may make the page present
        if (status == TS_OK)
            status = space_futex_key(request->requester->space, address, &key);
        if (status != TS_OK)
            return status;
        key_store(request, &key);
        bool fault;
        status = wait_locked(request, bucket_of_request(request), address, expected, &fault);
        if (!fault)
            return status;
    }
}

ts_status_t futex_wake(struct address_space *space, vaddr_t address, uint32_t most,
                       uint32_t *out_woken)
{
    *out_woken = 0;
    struct futex_key key;
    ts_status_t status = space_futex_key(space, address, &key);
    if (status != TS_OK)
        return status;
    struct bucket *bucket = bucket_of((uint64_t)(uintptr_t)key.memory, key.offset);
    while (*out_woken < most) {
        struct request *found = NULL;
        irqflags_t flags = spin_lock(&bucket->lock);
        list_for_each(node, &bucket->waiters)
        {
            struct request *request = list_entry(node, struct request, link);
            if (!key_matches(request, &key))
                continue;
            found = request;
            list_remove(node);
            request->state = REQUEST_DONE;
            request->status = TS_OK;
            break;
        }
        spin_unlock(&bucket->lock, flags);
        if (found == NULL)
            break;
        request_complete(found);
        ++*out_woken;
    }
    return TS_OK;
}

bool environment_futex_remove(struct request *request)
{
    struct bucket *bucket = bucket_of_request(request);
    irqflags_t flags = spin_lock(&bucket->lock);
    bool queued = request->state == REQUEST_PARKED;
    if (queued) {
        list_remove(&request->link);
        request->state = REQUEST_DONE; // claimed: the caller sets the status
    }
    spin_unlock(&bucket->lock, flags);
    return queued;
}
