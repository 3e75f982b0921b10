// SPDX-License-Identifier: MIT
// Futexes. See futex.h.
//
// The word is compared under the bucket's lock, which a wake takes as well: so a wake that follows
// a change of the word either finds the waiter or lets it see the change. The comparison is made
// with interrupts off, so the page is made present beforehand, and again if it went meanwhile.
#include <sched/futex.h>

#include <arch/user.h>
#include <core/environment.h>
#include <sched/sched.h>

#define BUCKETS        256u // a power of two
#define LOOKS_PER_HOLD 64u

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

// Takes the first waiter of the key behind `place`, which moves on, out of the bucket, if it is
// among the next few: one bucket may hold very many, of others too. True: there are none left.
static bool take_waiter(struct bucket *bucket, struct request *place, const struct futex_key *key,
                        struct request **out_request)
{
    *out_request = NULL;
    irqflags_t flags = spin_lock(&bucket->lock);
    struct list *node = place->link.next;
    for (unsigned i = 0; i < LOOKS_PER_HOLD && node != &bucket->waiters; i++) {
        struct request *request = list_entry(node, struct request, link);
        node = node->next;
        if (!key_matches(request, key))
            continue;
        list_remove(&request->link);
        request->state = REQUEST_DONE;
        request->status = TS_OK;
        *out_request = request;
        break;
    }
    bool end = *out_request == NULL && node == &bucket->waiters;
    list_remove(&place->link);
    list_push_back(node, &place->link); // before it
    spin_unlock(&bucket->lock, flags);
    return end;
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
    struct request place; // in the list, before what has not been looked at; nobody's waiter
    place.in_address = 0;
    irqflags_t flags = spin_lock(&bucket->lock);
    list_push_front(&bucket->waiters, &place.link);
    spin_unlock(&bucket->lock, flags);
    struct request *found;
    while (*out_woken < most && !thread_is_stopping() &&
           !take_waiter(bucket, &place, &key, &found)) {
        if (found == NULL)
            continue;
        request_complete(found);
        ++*out_woken;
    }
    flags = spin_lock(&bucket->lock);
    list_remove(&place.link);
    spin_unlock(&bucket->lock, flags);
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
