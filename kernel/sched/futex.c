// SPDX-License-Identifier: MIT
// Futexes. See futex.h.
//
// The word is compared under the bucket's lock, which a wake takes as well: so a wake that follows
// a change of the word either finds the waiter or lets it see the change. The comparison is made
// with interrupts off, so the page is made present beforehand, and again if it went meanwhile.
//
// Waiters of a bucket are numbered as they come, and stand in that order. A wake goes through those
// that have come before it began, some in each hold of the lock; one that waits again gets a new
// number, so it comes to an end.
#include <sched/futex.h>

#include <arch/user.h>
#include <core/timer.h>
#include <sched/sched.h>

#define BUCKETS        256u // a power of two
#define LOOKS_PER_HOLD 64u

static struct bucket {
    struct spinlock lock;
    uint64_t arrivals;   // so far
    struct list waiters; // struct request, by link, in order of arrival; and places
} buckets[BUCKETS];

// Of this boot, odd: no program can choose words that share a bucket with another's.
static uint64_t hash_keys[2];

void futex_init(const uint64_t keys[2])
{
    hash_keys[0] = keys[0] | 1;
    hash_keys[1] = keys[1] | 1;
    for (unsigned i = 0; i < BUCKETS; i++) {
        spin_init(&buckets[i].lock, "futex");
        list_init(&buckets[i].waiters);
    }
}

// The record keeps its key in in_address and offset, its number in out_address: a futex has no
// other use for these fields.
static void key_store(struct request *request, const struct futex_key *key)
{
    request->in_address = key->memory;
    request->offset = key->offset;
}

static bool key_matches(const struct request *request, const struct futex_key *key)
{
    return request->in_address == key->memory && request->offset == key->offset;
}

static struct bucket *bucket_of(uint64_t memory, uint64_t offset)
{
    uint64_t hash = memory * hash_keys[0] + (offset >> 2) * hash_keys[1];
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
    if (status == TS_OK && value != expected) {
        status = TS_ERR_AGAIN;
    }
    if (status == TS_OK) {
        request->home = HOME_FUTEX;
        request_set_state(request, REQUEST_PARKED);
        request->out_address = ++bucket->arrivals;
        list_push_back(&bucket->waiters, &request->link);
        if (request->deadline != TS_DEADLINE_NONE) {
            timer_start(&request->timer, request->deadline);
        }
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
        if (status == TS_OK) {
            status = space_futex_key(request->requester->space, address, &key);
        }
        if (status != TS_OK) {
            return status;
        }
        key_store(request, &key);
        bool fault;
        status = wait_locked(request, bucket_of_request(request), address, expected, &fault);
        if (!fault || thread_is_stopping()) {
            return status;
        }
    }
}

// A wake in its bucket. Between its holds of the lock it has a place there: a node before what it
// has not looked at. It is no waiter's: no memory has the id 0. It lies on the stack of a thread
// that cannot end before it takes it out.
struct walk {
    struct bucket *bucket;
    struct request place;
    bool placed;   // false: it has not begun, or has come to its end
    uint64_t last; // number of the last waiter that had come when it began
};

// Where it begins or goes on. Bucket locked.
static struct list *walk_enter(struct walk *walk)
{
    struct list *next = walk->placed ? walk->place.link.next : walk->bucket->waiters.next;
    if (walk->placed) {
        list_remove(&walk->place.link);
    } else {
        walk->last = walk->bucket->arrivals;
    }
    return next;
}

// Leaves its place before a node. False: it has come to the end. Bucket locked.
static bool walk_leave(struct walk *walk, struct list *node)
{
    walk->placed = node != &walk->bucket->waiters;
    if (walk->placed) {
        list_push_back(node, &walk->place.link);
    }
    return walk->placed;
}

static void walk_end(struct walk *walk)
{
    irqflags_t flags = spin_lock(&walk->bucket->lock);
    list_remove(&walk->place.link);
    spin_unlock(&walk->bucket->lock, flags);
}

static bool came_later(const struct request *request, const struct walk *walk)
{
    return request->in_address != 0 && request->out_address > walk->last;
}

// Looks at the next few, up to the first waiter of the key, which is then the caller's to complete:
// out of the bucket and DONE. False: there are none left. Bucket locked.
static bool walk_on(struct walk *walk, const struct futex_key *key, struct request **out_request)
{
    struct list *const end = &walk->bucket->waiters;
    struct list *node = walk_enter(walk);
    *out_request = NULL;
    for (unsigned looks = 0; looks < LOOKS_PER_HOLD && *out_request == NULL; looks++) {
        struct request *request = list_entry(node, struct request, link);
        if (node == end || came_later(request, walk)) {
            node = end;
            break;
        }
        node = node->next;
        if (key_matches(request, key)) {
            *out_request = request;
        }
    }
    if (*out_request != NULL) {
        list_remove(&(*out_request)->link);
        (*out_request)->status = TS_OK;
        request_set_state(*out_request, REQUEST_DONE);
    }
    return walk_leave(walk, node);
}

// One hold of the lock. Interrupts stay off until the waiter that it finds is completed: it does
// not have to wait for a less important thread that was preempted here.
static bool walk_step(struct walk *walk, const struct futex_key *key, uint32_t *inout_woken)
{
    struct request *found;
    irqflags_t flags = arch_irq_save();
    spin_lock_off(&walk->bucket->lock);
    bool more = walk_on(walk, key, &found);
    spin_unlock_off(&walk->bucket->lock);
    if (found != NULL) {
        request_complete(found);
        ++*inout_woken;
    }
    arch_irq_restore(flags);
    return more;
}

ts_status_t futex_wake(struct address_space *space, vaddr_t address, uint32_t most,
                       uint32_t *out_woken)
{
    *out_woken = 0;
    struct futex_key key;
    ts_status_t status = space_futex_key(space, address, &key);
    if (status != TS_OK) {
        return status;
    }
    struct walk walk;
    walk.bucket = bucket_of(key.memory, key.offset);
    walk.place.in_address = 0;
    walk.placed = false;
    while (*out_woken < most && !thread_is_stopping() && walk_step(&walk, &key, out_woken)) {
    }
    if (walk.placed) {
        walk_end(&walk);
    }
    return TS_OK;
}

bool futex_remove(struct request *request)
{
    struct bucket *bucket = bucket_of_request(request);
    irqflags_t flags = spin_lock(&bucket->lock);
    bool queued = request->state == REQUEST_PARKED;
    if (queued) {
        list_remove(&request->link);
        request_set_state(request, REQUEST_DONE); // claimed: the caller sets the status
    }
    spin_unlock(&bucket->lock, flags);
    return queued;
}
