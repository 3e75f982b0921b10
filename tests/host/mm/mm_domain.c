// SPDX-License-Identifier: MIT
// Domains and pins: two processes pin, unpin, close, hold anew, make quiet and end, one let in
// wherever the other lets go of a lock. After each step every pin is where it must be, and in the
// end nothing is pinned. The source is included to look at its lists.
// Handles are numbers of memories here.
#define handle_get memory_by_number

#include "kernel/object/device.c"     // NOLINT
#include "kernel/object/domain.c"     // NOLINT
#include "kernel/object/domain_end.c" // NOLINT
#include "kernel/object/pin.c"        // NOLINT

#include <arch/user.h>
#include <mm/address_space.h>
#include <mm/heap.h>
#include <string.h>

#include "tests/host/check.h"
#include "world.h"

#define BASE     UINT64_C(0x40000000)
#define DEVICES  3u
#define MEMORIES 3u
#define PAGES    8u
#define OWNERS   2u
#define ROUNDS   30000u

static struct address_space *space;
static struct memory *memories[MEMORIES];
static struct handle held[DEVICES]; // the one handle of each, none: closed
static struct list owners[OWNERS];
static struct device *used[DEVICES]; // a use of each, of whichever domain; NULL: none
static uint64_t use_count[DEVICES];
static unsigned caller;
static struct account *payer;

struct account *caller_account(void)
{
    return payer;
}

struct handle_table *caller_handles(void)
{
    return NULL;
}

struct list *caller_pins(void)
{
    return &owners[caller];
}

ts_status_t handle_get(struct handle_table *table, ts_handle_t handle, ts_rights_t rights,
                       struct handle *out_referenced)
{
    (void)table;
    object_get(&memories[handle]->object);
    *out_referenced = (struct handle){.object = &memories[handle]->object, .rights = rights};
    return TS_OK;
}

// ---- A machine without an IOMMU, and no driver

ts_status_t hold_init(struct device_hold *hold, struct object *domain, uint64_t device)
{
    (void)device;
    hold->domain = domain;
    return TS_OK;
}

void hold_fini(struct device_hold *hold)
{
    (void)hold;
}

bool hold_use(struct device_hold *hold)
{
    (void)hold;
    return true;
}

void hold_unuse(struct device_hold *hold)
{
    (void)hold;
}

ts_status_t hold_drive(struct device_hold *hold)
{
    (void)hold;
    return TS_OK;
}

bool hold_driven(struct device_hold *hold)
{
    (void)hold;
    return false;
}

bool hold_driven_by(struct device_hold *hold, const struct address_space *by)
{
    (void)hold, (void)by;
    return false;
}

void hold_block(struct device_hold *hold)
{
    (void)hold;
}

void hold_release(struct device_hold *hold)
{
    (void)hold;
}

void hold_end(struct device_hold *hold)
{
    hold->shut = TS_ERR_GONE;
}

ts_status_t hold_map(struct device_hold *hold, struct memory *memory, uint64_t offset,
                     uint64_t pages, uint64_t *inout_mapped)
{
    (void)hold, (void)memory, (void)offset, (void)pages, (void)inout_mapped;
    return TS_OK;
}

void hold_unmap(struct device_hold *hold, struct memory *memory, uint64_t offset, uint64_t mapped)
{
    (void)hold, (void)memory, (void)offset, (void)mapped;
}

void hold_fault(struct device_hold *hold, const struct dma_fault *fault)
{
    (void)hold, (void)fault;
}

void hold_fault_of_nobody(const struct dma_fault *fault)
{
    (void)fault;
}

// ---- What there is

static bool listed(struct list *list, const struct list *wanted)
{
    list_for_each(node, list) if (node == wanted) return true;
    return false;
}

static void check_device(const struct device *device, uint32_t *fixed, uint64_t *in_quarantine)
{
    uint64_t live = 0, waiting = 0;
    uint32_t count = 0;
    list_for_each(node, &device->live)
    {
        struct pin *pin = list_entry(node, struct pin, link);
        CHECK(device->holder != NULL && pin->device == device && pin_is_live(pin));
        CHECK(listed(pin->owner, &pin->mine));
        live += pin->pages;
        fixed[pin->memory == memories[0] ? 0 : pin->memory == memories[1] ? 1 : 2]++;
        count++;
    }
    list_for_each(node, &device->quarantined)
    {
        struct pin *pin = list_entry(node, struct pin, link);
        CHECK(!pin_is_live(pin) && (pin->owner == NULL || listed(pin->owner, &pin->mine)));
        waiting += pin->pages;
        fixed[pin->memory == memories[0] ? 0 : pin->memory == memories[1] ? 1 : 2]++;
        count++;
    }
    CHECK(live == device->live_pages && waiting == device->quarantined_pages);
    CHECK(count == device->pin_count && device->uses == use_count[device->number]);
    CHECK(device->holder != NULL || count != 0 || device->uses != 0);
    *in_quarantine += waiting;
}

static void check_all(void)
{
    uint32_t fixed[MEMORIES] = {0}, count = 0;
    uint64_t in_quarantine = 0;
    list_for_each(node, &devices)
    {
        check_device(list_entry(node, struct device, link), fixed, &in_quarantine);
        count++;
    }
    CHECK(count == device_count && in_quarantine == domain_quarantined());
    for (unsigned i = 0; i < MEMORIES; i++) {
        CHECK(memories[i]->pins == fixed[i]); // else its owner pays for ever
    }
}

// ---- Acts

static unsigned second_in; // gaps until the second actor acts; 0: not

static ts_status_t call(struct object *domain, uint32_t method, uint64_t in_length)
{
    struct ts_call words = {.method = method,
                            .in_address = BASE + 512,
                            .in_length = (uint32_t)in_length,
                            .out_address = BASE + 1024,
                            .out_length = 512};
    struct operation operation = {.op = TS_OP_CALL,
                                  .address = BASE,
                                  .length = sizeof(words),
                                  .handle_rights = domain_class.rights};
    CHECK(copy_to_user(BASE, &words, sizeof(words)) == TS_OK);
    return domain_class.operate(domain, &operation);
}

static ts_status_t pin_or_unpin(unsigned device, uint32_t method)
{
    struct ts_domain_pin argument = {.memory = (ts_handle_t)random_below(MEMORIES),
                                     .offset = random_below(3) * PAGE_SIZE,
                                     .length = (1 + random_below(3)) * PAGE_SIZE};
    struct object *object = held[device].object;
    if (object == NULL) {
        return TS_ERR_HANDLE;
    }
    object_get(object); // as operations have
    CHECK(copy_to_user(BASE + 512, &argument, sizeof(argument)) == TS_OK);
    ts_status_t status = call(object, method, sizeof(argument));
    object_put(object);
    return status;
}

static void close_handle(unsigned device)
{
    struct handle last = held[device];
    held[device] = (struct handle){0};
    object_handle_put(last);
}

// Begins or ends a use of the device, in a step that is seen as one: `used` says what is.
static void use_or_unuse(unsigned device, struct object *object)
{
    void (*gap_before)(void) = spin_gap;
    spin_gap = NULL;
    struct device *before = used[device];
    if (use_count[device] != 0 && random_below(2) == 0) {
        used[device] = --use_count[device] != 0 ? before : NULL;
        device_unuse(before);
    } else if (before != NULL && random_below(2) == 0) {
        CHECK(device_use(before) == before);
        use_count[device]++;
    } else if (object != NULL) {
        struct device *found;
        ts_status_t status = domain_use(object, &found);
        CHECK(status == TS_OK ? before == NULL || before == found : status == TS_ERR_GONE);
        if (status == TS_OK) {
            used[device] = found;
            use_count[device]++;
        }
    }
    spin_gap = gap_before;
}

static void unuse_all(void)
{
    for (unsigned i = 0; i < DEVICES; i++) {
        for (; use_count[i] != 0; use_count[i]--) {
            device_unuse(used[i]);
        }
    }
    memset(used, 0, sizeof(used));
}

// The one that gets the device knows that no other uses it, whatever began to meanwhile.
static void end_domain(struct object *object)
{
    const struct device *device = domain_of(object)->device;
    bool idle = device != NULL && device->uses == 0;
    ts_status_t status = call(object, TS_DOMAIN_END, 0);
    CHECK(status == TS_OK || status == TS_ERR_GONE || status == TS_ERR_BUSY);
    CHECK(status != TS_OK || domain_of(object)->device == NULL);
    CHECK(second_in != 0 || status != TS_ERR_BUSY || !idle);
}

static void act(void)
{
    unsigned device = (unsigned)random_below(DEVICES), before = caller;
    caller = (unsigned)random_below(OWNERS);
    struct object *object = held[device].object;
    switch (random_below(10)) {
    case 0: {
        struct handle made;
        ts_status_t status = domain_make(device, &made);
        CHECK(status == TS_OK || status == TS_ERR_BUSY);
        CHECK(status != TS_OK || use_count[device] == 0);
        if (status == TS_OK) {
            object = held[device].object; // of a domain that has ended
            CHECK(object == NULL || domain_of(object)->device == NULL);
            close_handle(device);
            held[device] = made;
        }
        break;
    }
    case 1: close_handle(device); break;
    case 2:
        if (object != NULL) {
            object_get(object);
            if (random_below(2) == 0) { // its driver has died and it is blocked
                while (release_some(domain_of(object))) {
                    ;
                }
            } else {
                ts_status_t status = call(object, TS_DOMAIN_QUIET, 0);
                CHECK(status == TS_OK || status == TS_ERR_GONE);
            }
            object_put(object);
        }
        break;
    case 3: (void)pin_or_unpin(device, TS_DOMAIN_UNPIN); break;
    case 4:
        if (random_below(4) == 0) {
            while (domain_owner_died_some(&owners[caller])) {
                ;
            }
        }
        break;
    case 5: use_or_unuse(device, object); break;
    case 6:
        if (object != NULL && random_below(4) == 0) {
            object_get(object);
            end_domain(object);
            object_put(object);
        }
        break;
    default: (void)pin_or_unpin(device, TS_DOMAIN_PIN); break;
    }
    caller = before;
}

static void gap(void)
{
    if (second_in == 0 || domain_lock.held || space->lock.held || --second_in != 0) {
        return;
    }
    // What the first actor told the kernel is in its own memory.
    char words[1536];
    CHECK(copy_from_user(words, BASE, sizeof(words)) == TS_OK);
    act();
    act();
    CHECK(copy_to_user(BASE, words, sizeof(words)) == TS_OK);
}

// A pin that is late for the last close, and the next holder there already.
static void closed_and_held_anew(void)
{
    if (second_in == 0 || domain_lock.held || --second_in != 0) {
        return;
    }
    close_handle(0);
    CHECK(domain_make(0, &held[0]) == TS_OK);
}

static void rule_d10_a_late_pin_is_not_the_next_holders(void)
{
    unsigned refused = 0;
    for (unsigned k = 1; k < 60; k++) {
        CHECK(held[0].object != NULL || domain_make(0, &held[0]) == TS_OK);
        const struct object *first = held[0].object;
        second_in = k;
        spin_gap = closed_and_held_anew;
        ts_status_t status = pin_or_unpin(0, TS_DOMAIN_PIN);
        spin_gap = NULL;
        struct device *device = device_find(0);
        CHECK(status == TS_OK || status == TS_ERR_GONE);
        // Its pin is in quarantine or was never made: it is not the next holder's.
        CHECK(held[0].object == first || (device->live_pages == 0));
        refused += status == TS_ERR_GONE;
        check_all();
        second_in = 0;
        CHECK(call(held[0].object, TS_DOMAIN_QUIET, 0) == TS_OK);
        close_handle(0);
        check_all();
        CHECK(domain_make(0, &held[0]) == TS_OK);
        CHECK(call(held[0].object, TS_DOMAIN_QUIET, 0) == TS_OK);
    }
    CHECK(refused > 0);
    close_handle(0);
}

// By each way to a domain, while one of two uses is left; and the device is forgotten with the
// last.
static void rule_d14_a_device_that_is_used_is_nobody_elses(void)
{
    struct handle other;
    struct device *first, *device;
    CHECK(domain_make(0, &held[0]) == TS_OK);
    CHECK(domain_use(held[0].object, &first) == TS_OK && device_use(first) == first);
    use_count[0] = 2;
    CHECK(domain_make(0, &other) == TS_ERR_BUSY);
    CHECK(call(held[0].object, TS_DOMAIN_END, 0) == TS_ERR_BUSY);
    CHECK(domain_use(held[0].object, &device) == TS_OK); // that was without effect
    device_unuse(device);
    check_all();
    device_unuse(first);
    use_count[0] = 1;
    CHECK(call(held[0].object, TS_DOMAIN_END, 0) == TS_ERR_BUSY);
    close_handle(0); // as by the death of the bus's server
    CHECK(domain_make(0, &other) == TS_ERR_BUSY);
    check_all();
    device_unuse(first);
    use_count[0] = 0;
    CHECK(list_empty(&devices));
    CHECK(domain_make(0, &held[0]) == TS_OK);
    CHECK(call(held[0].object, TS_DOMAIN_END, 0) == TS_OK);
    CHECK(domain_use(held[0].object, &device) == TS_ERR_GONE);
    CHECK(domain_use(&memories[0]->object, &device) == TS_ERR_KIND);
    close_handle(0);
    check_all();
}

// Whenever another can have the device, nobody can drive it by the domain before: else a DRIVE that
// is late would take the device from the next driver.
static const struct domain *ending;
static unsigned taken;

static void held_by_another(void)
{
    struct handle other;
    if (second_in == 0 || domain_lock.held || --second_in != 0 || domain_make(0, &other) != TS_OK) {
        return;
    }
    CHECK(ending->hold.shut == TS_ERR_GONE);
    object_handle_put(other);
    taken++;
}

static void rule_d11_a_domain_is_over_before_its_device_is_free(void)
{
    for (unsigned k = 1; k < 40; k++) {
        CHECK(domain_make(0, &held[0]) == TS_OK);
        struct object *object = held[0].object;
        object_get(object);
        ending = domain_of(object);
        second_in = k;
        spin_gap = held_by_another;
        if (k % 2 == 0) {
            CHECK(call(object, TS_DOMAIN_END, 0) == TS_OK);
        }
        close_handle(0);
        spin_gap = NULL;
        object_put(object);
    }
    second_in = 0;
    CHECK(taken > 1);
    check_all();
}

static uint64_t bytes_charged(void)
{
    return account_used(payer) * PAGE_SIZE - atomic_load(&payer->spare);
}

static void rule_m09_devices_domains_and_pins_are_paid_for(void)
{
    // Pages that are touched on the way are there beforehand.
    for (unsigned i = 0; i < MEMORIES; i++) {
        CHECK(memory_commit(memories[i], 0, PAGES * PAGE_SIZE) == TS_OK);
    }
    CHECK(copy_to_user(BASE, &caller, sizeof(caller)) == TS_OK);
    uint64_t before = bytes_charged(), device = heap_price(sizeof(struct device));
    uint64_t domain = heap_price(sizeof(struct domain)), pin = heap_price(sizeof(struct pin));
    CHECK(domain_make(0, &held[0]) == TS_OK);
    CHECK(bytes_charged() == before + device + domain);
    for (unsigned pins = 1; pins <= 20; pins++) {
        CHECK(pin_or_unpin(0, TS_DOMAIN_PIN) == TS_OK);
        CHECK(bytes_charged() == before + device + domain + pins * pin);
    }
    close_handle(0); // they, their device and domain stay until it is quiet
    CHECK(bytes_charged() == before + device + domain + 20 * pin);
    CHECK(domain_make(0, &held[0]) == TS_OK);
    CHECK(call(held[0].object, TS_DOMAIN_QUIET, 0) == TS_OK);
    close_handle(0);
    CHECK(bytes_charged() == before);
}

static void rule_m09_a_pin_over_the_limit_is_refused(struct job *job)
{
    unsigned made = 0;
    CHECK(domain_make(0, &held[0]) == TS_OK);
    uint64_t limit = atomic_load(&job->quota.limit[QUOTA_PAGES]);
    atomic_store(&job->quota.limit[QUOTA_PAGES], 1);
    ts_status_t status = TS_OK;
    while (status == TS_OK && made < PINS_MAX) {
        status = pin_or_unpin(0, TS_DOMAIN_PIN);
        made += status == TS_OK;
    }
    CHECK(status == TS_ERR_LIMIT && made < PINS_MAX);
    uint64_t before = bytes_charged();
    CHECK(pin_or_unpin(0, TS_DOMAIN_PIN) == TS_ERR_LIMIT && bytes_charged() == before);
    atomic_store(&job->quota.limit[QUOTA_PAGES], limit);
    close_handle(0);
    CHECK(domain_make(0, &held[0]) == TS_OK);
    CHECK(call(held[0].object, TS_DOMAIN_QUIET, 0) == TS_OK);
    close_handle(0);
    check_all();
}

static void finish(void)
{
    unuse_all();
    for (unsigned i = 0; i < OWNERS; i++) {
        while (domain_owner_died_some(&owners[i])) {
            ;
        }
    }
    for (unsigned i = 0; i < DEVICES; i++) {
        if (held[i].object != NULL && domain_of(held[i].object)->device == NULL) {
            close_handle(i); // it was ended
        }
        if (held[i].object == NULL) {
            CHECK(domain_make(i, &held[i]) == TS_OK);
        }
        CHECK(call(held[i].object, TS_DOMAIN_QUIET, 0) == TS_OK);
        close_handle(i);
    }
    check_all();
    CHECK(list_empty(&devices) && domain_quarantined() == 0);
}

int main(void)
{
    world_start();
    struct job *job;
    struct ts_job_limits limits = {.pages = 200};
    CHECK(job_create(NULL, job_root, &limits, false, &job) == TS_OK);
    ts_status_t made;
    payer = job_account_create(job, &made);
    struct memory *memory;
    vaddr_t at = BASE;
    CHECK(world_space_create(payer, &space) == TS_OK);
    CHECK(memory_create(payer, PAGE_SIZE, 0, &memory) == TS_OK);
    CHECK(space_map(space, memory, 0, PAGE_SIZE, TS_MAP_READ | TS_MAP_WRITE | TS_MAP_FIXED, 7,
                    &at) == TS_OK);
    world_enter(space);
    for (unsigned i = 0; i < MEMORIES; i++) {
        CHECK(memory_create(payer, PAGES * PAGE_SIZE, 0, &memories[i]) == TS_OK);
    }
    for (unsigned i = 0; i < OWNERS; i++) {
        list_init(&owners[i]);
    }
    rule_d14_a_device_that_is_used_is_nobody_elses();
    rule_d11_a_domain_is_over_before_its_device_is_free();
    rule_m09_devices_domains_and_pins_are_paid_for();
    rule_m09_a_pin_over_the_limit_is_refused(job);
    rule_d10_a_late_pin_is_not_the_next_holders();
    for (unsigned i = 0; i < ROUNDS; i++) {
        second_in = (unsigned)random_below(30);
        spin_gap = gap;
        act();
        spin_gap = NULL;
        check_all();
        if (i % 500 == 499) {
            finish();
        }
    }
    finish();
    for (unsigned i = 0; i < MEMORIES; i++) {
        CHECK(memories[i]->pins == 0);
        object_put(&memories[i]->object);
    }
    object_put(&memory->object);
    while (space_destroy_some(space)) {
        ;
    }
    space_free(space);
    CHECK(account_used(payer) <= 2); // for itself, and a page that is kept
    account_put(payer);
    object_put(&job->object);
    return 0;
}
