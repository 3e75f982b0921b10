// SPDX-License-Identifier: MIT
// Domains and their pins. See domain.h.
//
// A device is remembered while somebody holds its domain, uses it, or pages are pinned for it. Each
// holder has a domain object of its own: what is late for one that has closed finds it closed, and
// not the next holder's. A pin is in two lists, its device's and its owner's, and leaves the
// owner's when that ends: so nothing is found by the address of a process that is gone.
//
// One lock guards it all. It is held for a bounded number of steps: those who close, end or make
// quiet take whole lists or a few pins at a time; a search is as long as PINS_MAX or DEVICES_MAX.
#include <core/handle_table.h>
#include <mm/page.h>
#include <object/body.h>
#include <object/caller.h>
#include <object/device_hold.h>
#include <object/domain.h>
#include <object/memory.h>
#include <object/transfer.h>
#include <panic.h>
#include <sched/sched.h>
#include <tessera/abi/object.h>

#define PINS_MAX       4096u // a device
#define DEVICES_MAX    4096u // with a holder, uses or pins
#define PINS_PER_HOLD  64u
#define PAGES_PER_STEP 4096u // of pins that are released, or one pin
#define ADDRESS_PIECE  32u   // bus addresses copied out at a time

struct pin {
    struct list link;      // in device.live or .quarantined
    struct list mine;      // in the owner's list while that lives
    struct list *owner;    // whose that is; NULL: it has ended
    struct account *payer; // for the pin; a reference
    struct memory *memory; // that has the pages, never a view; a reference, and it is fixed
    uint64_t offset, pages;
    struct domain *domain; // by which the device reaches it; a reference
    uint64_t mapped;       // pages that the IOMMU lets it reach
    struct device *device;
    uint64_t holding; // device.holdings when it was made
};

// What is known of a device. Under domain_lock.
struct device {
    struct list link;      // in `devices`
    struct account *payer; // of whoever held it first since it was forgotten; a reference
    uint64_t number;
    struct domain *holder; // that is open; NULL: none. No reference
    uint64_t holdings;     // how many holders have closed
    struct list live;      // struct pin, of this holder and of processes that live
    struct list quarantined;
    uint32_t pin_count;
    uint64_t uses; // that have begun and not ended: see domain.h
    uint64_t live_pages, quarantined_pages;
};

struct domain {
    struct object object;
    struct device *device; // under domain_lock; NULL: it was ended, or its last handle has closed
    struct device_hold hold;
};

static struct spinlock domain_lock = SPINLOCK_INIT("domains");
static struct list devices = {&devices, &devices};
static uint32_t device_count;
static _Atomic uint64_t quarantined;

static struct domain *domain_of(struct object *object)
{
    return list_entry(object, struct domain, object);
}

uint64_t domain_quarantined(void)
{
    return atomic_load_explicit(&quarantined, memory_order_relaxed);
}

// Takes a device out that nobody holds or uses and that has no pins, for the caller to free without
// the lock. NULL: it is needed. Lock held.
static struct device *device_forget(struct device *device)
{
    if (device->holder != NULL || device->pin_count != 0 || device->uses != 0)
        return NULL;
    list_remove(&device->link);
    device_count--;
    return device;
}

static void device_free(struct device *device)
{
    if (device == NULL)
        return;
    struct account *payer = device->payer;
    paid_free(payer, device, sizeof(*device));
    account_put(payer);
}

ts_status_t domain_use(struct object *object, struct device **out_device)
{
    if (object->class != &domain_class)
        return TS_ERR_KIND;
    irqflags_t flags = spin_lock(&domain_lock);
    struct device *device = domain_of(object)->device;
    if (device != NULL)
        device->uses++;
    spin_unlock(&domain_lock, flags);
    *out_device = device;
    return device != NULL ? TS_OK : TS_ERR_GONE;
}

struct device *device_use(struct device *device)
{
    if (device == NULL)
        return NULL;
    irqflags_t flags = spin_lock(&domain_lock);
    KASSERT(device->uses > 0);
    device->uses++;
    spin_unlock(&domain_lock, flags);
    return device;
}

void device_unuse(struct device *device)
{
    if (device == NULL)
        return;
    irqflags_t flags = spin_lock(&domain_lock);
    KASSERT(device->uses > 0);
    device->uses--;
    struct device *forgotten = device_forget(device);
    spin_unlock(&domain_lock, flags);
    device_free(forgotten);
}

// Where the device finds a page. The IOMMU's tables (device_hold.h) say the same.
static uint64_t pin_address(const struct page *page)
{
    return page_address(page);
}

// Pages go from live to quarantined. Lock held.
static void quarantine_pages(struct device *device, uint64_t pages)
{
    device->live_pages -= pages;
    device->quarantined_pages += pages;
    atomic_fetch_add_explicit(&quarantined, pages, memory_order_relaxed);
}

// Whether it is in the live list. Lock held.
static bool pin_is_live(const struct pin *pin)
{
    return pin->owner != NULL && pin->holding == pin->device->holdings;
}

bool domain_owner_died_some(struct list *pins)
{
    irqflags_t flags = spin_lock(&domain_lock);
    for (unsigned i = 0; i < PINS_PER_HOLD && !list_empty(pins); i++) {
        struct pin *pin = list_entry(list_pop_front(pins), struct pin, mine);
        if (pin_is_live(pin)) {
            list_remove(&pin->link);
            list_push_back(&pin->device->quarantined, &pin->link);
            quarantine_pages(pin->device, pin->pages);
        }
        pin->owner = NULL;
    }
    bool more = !list_empty(pins);
    spin_unlock(&domain_lock, flags);
    return more;
}

static void pin_unmake(struct pin *pin)
{
    struct account *payer = pin->payer;
    paid_free(payer, pin, sizeof(*pin));
    account_put(payer);
}

// Gives back what a pin keeps. It is in no list, and its device does not reach the pages any more.
static void pin_free(struct pin *pin)
{
    hold_unmap(&pin->domain->hold, pin->memory, pin->offset, pin->mapped);
    object_put(&pin->domain->object);
    memory_unfix(pin->memory);
    object_put(&pin->memory->object);
    pin_unmake(pin);
}

// Enters a pin for the caller, while the domain has a handle.
static ts_status_t pin_insert(struct domain *domain, struct pin *pin)
{
    irqflags_t flags = spin_lock(&domain_lock);
    struct device *device = domain->device;
    ts_status_t status = device == NULL                  ? TS_ERR_GONE
                         : device->pin_count == PINS_MAX ? TS_ERR_LIMIT
                                                         : TS_OK;
    if (status == TS_OK) {
        pin->device = device;
        pin->holding = device->holdings;
        pin->owner = caller_pins();
        list_push_back(&device->live, &pin->link);
        list_push_back(pin->owner, &pin->mine);
        device->pin_count++;
        device->live_pages += pin->pages;
    }
    spin_unlock(&domain_lock, flags);
    return status;
}

// The argument of PIN and UNPIN, and the memory it names, with a reference.
static ts_status_t pin_argument(const struct ts_call *call, struct ts_domain_pin *out_argument,
                                struct memory **out_memory)
{
    struct capability named;
    ts_status_t status = call_read(call, out_argument, sizeof(*out_argument));
    if (status != TS_OK)
        return status;
    if (out_argument->reserved != 0 || out_argument->length == 0 ||
        ((out_argument->offset | out_argument->length) & PAGE_MASK) != 0)
        return TS_ERR_ARGUMENT;
    status = handle_get(caller_handles(), out_argument->memory,
                        TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_MAP, &named);
    if (status != TS_OK)
        return status;
    if (named.object->class != &memory_class) {
        object_put(named.object);
        return TS_ERR_KIND;
    }
    *out_memory = memory_of(named.object);
    return TS_OK;
}

// A pin of pages that are there and stay there, not in any domain yet.
static ts_status_t pin_make(struct memory *memory, const struct ts_domain_pin *argument,
                            struct pin **out_pin)
{
    ts_status_t status;
    struct account *payer = caller_account();
    struct pin *pin = paid_alloc_zeroed(payer, sizeof(*pin), &status);
    if (pin == NULL)
        return status;
    pin->payer = payer;
    account_get(payer);
    status = memory_fix(memory);
    if (status != TS_OK)
        goto free;
    status = memory_commit(memory, argument->offset, argument->length);
    if (status != TS_OK)
        goto unfix;
    pin->offset = argument->offset;
    pin->memory = memory_resolve(memory, &pin->offset);
    object_get(&pin->memory->object);
    pin->pages = argument->length / PAGE_SIZE;
    *out_pin = pin;
    return TS_OK;
unfix:
    memory_unfix(memory);
free:
    pin_unmake(pin);
    return status;
}

static ts_status_t pin_addresses(const struct pin *pin, const struct ts_call *call)
{
    struct transfer transfer;
    ts_status_t status =
        transfer_init_range(&transfer, call->out_address, pin->pages * sizeof(uint64_t));
    for (uint64_t at = 0; at < pin->pages && status == TS_OK;) {
        uint64_t addresses[ADDRESS_PIECE];
        uint32_t count = 0;
        for (; count < ADDRESS_PIECE && at < pin->pages && status == TS_OK; at++) {
            struct page *page;
            status = thread_is_stopping()
                         ? TS_ERR_INTERRUPTED
                         : memory_page_get(pin->memory, pin->offset + at * PAGE_SIZE, &page);
            if (status == TS_OK) {
                addresses[count++] = pin_address(page);
                page_put(page);
            }
        }
        if (status == TS_OK)
            status = transfer_to_user(&transfer, addresses, count * sizeof(uint64_t));
    }
    return status;
}

static ts_status_t pin_enter(struct domain *domain, const struct ts_call *call)
{
    struct ts_domain_pin argument;
    struct memory *memory;
    struct pin *pin = NULL;
    ts_status_t status = pin_argument(call, &argument, &memory);
    if (status != TS_OK)
        return status;
    if (call->out_length / sizeof(uint64_t) < argument.length / PAGE_SIZE)
        status = TS_ERR_ARGUMENT;
    if (status == TS_OK)
        status = hold_drive(&domain->hold);
    if (status == TS_OK)
        status = pin_make(memory, &argument, &pin);
    object_put(&memory->object);
    if (status != TS_OK)
        return status;
    object_get(&domain->object);
    pin->domain = domain;
    // Told first, entered then: addresses are of no use before the call has ended, and a pin that
    // was never told needs no quarantine.
    status = pin_addresses(pin, call);
    if (status == TS_OK)
        status = hold_map(&domain->hold, pin->memory, pin->offset, pin->pages, &pin->mapped);
    if (status == TS_OK)
        status = pin_insert(domain, pin);
    if (status != TS_OK)
        pin_free(pin);
    return status;
}

static ts_status_t domain_pin(struct domain *domain, const struct ts_call *call)
{
    if (!hold_use(&domain->hold))
        return TS_ERR_GONE;
    ts_status_t status = pin_enter(domain, call);
    hold_unuse(&domain->hold);
    return status;
}

static ts_status_t domain_drive(struct domain *domain)
{
    if (!hold_use(&domain->hold))
        return TS_ERR_GONE;
    ts_status_t status = hold_drive(&domain->hold);
    hold_unuse(&domain->hold);
    return status;
}

// Takes a live pin of the caller out of its domain. Lock held.
static struct pin *pin_take(struct domain *domain, const struct memory *memory, uint64_t offset,
                            uint64_t pages)
{
    struct device *device = domain->device;
    if (device == NULL)
        return NULL;
    list_for_each(node, &device->live)
    {
        struct pin *pin = list_entry(node, struct pin, link);
        if (pin->memory != memory || pin->offset != offset || pin->pages != pages ||
            pin->owner != caller_pins())
            continue;
        list_remove(&pin->link);
        list_remove(&pin->mine);
        device->pin_count--;
        device->live_pages -= pages;
        return pin;
    }
    return NULL;
}

static ts_status_t domain_unpin(struct domain *domain, const struct ts_call *call)
{
    struct ts_domain_pin argument;
    struct memory *memory;
    ts_status_t status = pin_argument(call, &argument, &memory);
    if (status != TS_OK)
        return status;
    if (!hold_use(&domain->hold)) {
        object_put(&memory->object);
        return TS_ERR_GONE;
    }
    uint64_t offset = argument.offset;
    const struct memory *pages = memory_resolve(memory, &offset);
    irqflags_t flags = spin_lock(&domain_lock);
    struct pin *found = pin_take(domain, pages, offset, argument.length / PAGE_SIZE);
    spin_unlock(&domain_lock, flags);
    object_put(&memory->object);
    if (found != NULL)
        pin_free(found);
    hold_unuse(&domain->hold);
    return found != NULL ? TS_OK : TS_ERR_NOT_FOUND;
}

// Takes what is in quarantine now, to be released. Lock held.
static void quiet_take(struct device *device, struct list *quiet)
{
    list_splice_back(quiet, &device->quarantined);
    atomic_fetch_sub_explicit(&quarantined, device->quarantined_pages, memory_order_relaxed);
    device->quarantined_pages = 0;
}

// Nobody else takes these pins out, and they keep the device.
static void quiet_release(struct device *device, struct list *quiet)
{
    while (!list_empty(quiet)) {
        struct pin *pin = list_entry(list_pop_front(quiet), struct pin, link);
        irqflags_t flags = spin_lock(&domain_lock);
        list_remove(&pin->mine); // an owner that lives, whose domain was closed
        device->pin_count--;
        struct device *forgotten = device_forget(device);
        spin_unlock(&domain_lock, flags);
        pin_free(pin);
        device_free(forgotten);
    }
}

// The device is quiet: nothing that is in quarantine now can be written any more. What comes there
// while this goes on stays.
static ts_status_t domain_quiet(struct domain *domain)
{
    struct list quiet;
    list_init(&quiet);
    if (!hold_use(&domain->hold))
        return TS_ERR_GONE;
    irqflags_t flags = spin_lock(&domain_lock);
    struct device *device = domain->device;
    if (device != NULL)
        quiet_take(device, &quiet);
    spin_unlock(&domain_lock, flags);
    quiet_release(device, &quiet);
    hold_unuse(&domain->hold);
    return device != NULL ? TS_OK : TS_ERR_GONE;
}

// The domain has no device from here on, and all pins of that are in quarantine. Lock held.
static struct device *device_leave(struct domain *domain)
{
    struct device *device = domain->device;
    domain->device = NULL;
    device->holder = NULL;
    device->holdings++; // so that none of these pins is live
    list_splice_back(&device->quarantined, &device->live);
    quarantine_pages(device, device->live_pages);
    return device;
}

// Whether the domain can end now.
static ts_status_t end_check(struct domain *domain)
{
    irqflags_t flags = spin_lock(&domain_lock);
    const struct device *device = domain->device;
    ts_status_t status = device == NULL ? TS_ERR_GONE : device->uses != 0 ? TS_ERR_BUSY : TS_OK;
    spin_unlock(&domain_lock, flags);
    return status;
}

// A use that began since the check does no harm: it keeps the device from the next one.
static ts_status_t end_now(struct domain *domain)
{
    struct list quiet;
    list_init(&quiet);
    hold_end(&domain->hold); // before another can have it: a late DRIVE takes nothing
    irqflags_t flags = spin_lock(&domain_lock);
    struct device *device = NULL, *forgotten = NULL;
    if (domain->device != NULL) {
        device = device_leave(domain);
        quiet_take(device, &quiet);
        forgotten = device_forget(device);
    }
    spin_unlock(&domain_lock, flags);
    if (device != NULL) {
        quiet_release(device, &quiet);
        hold_release(&domain->hold);
        hold_unuse(&domain->hold); // the use that it began with
    }
    device_free(forgotten);
    return device != NULL ? TS_OK : TS_ERR_GONE;
}

// The device is quiet and its driver has given it up, living or not: nobody uses it, or this is
// refused. Whoever still has a handle can do no more with it.
static ts_status_t domain_end(struct domain *domain)
{
    if (!hold_use(&domain->hold))
        return TS_ERR_GONE;
    ts_status_t status = end_check(domain);
    if (status == TS_OK)
        status = end_now(domain);
    hold_unuse(&domain->hold);
    return status;
}

static struct device *device_find(uint64_t number)
{
    list_for_each(node, &devices)
    {
        struct device *device = list_entry(node, struct device, link);
        if (device->number == number)
            return device;
    }
    return NULL;
}

// A domain whose device this space's process drives, with a reference; NULL: none.
static struct domain *domain_driven_by(const struct address_space *space)
{
    struct domain *found = NULL;
    irqflags_t flags = spin_lock(&domain_lock);
    list_for_each(node, &devices)
    {
        struct domain *domain = list_entry(node, struct device, link)->holder;
        if (domain != NULL && hold_driven_by(&domain->hold, space)) {
            object_get(&domain->object);
            found = domain;
            break;
        }
    }
    spin_unlock(&domain_lock, flags);
    return found;
}

// Whatever the device does, it is blocked: some of the pins that are in quarantine go. False: none.
static bool release_some(struct domain *domain)
{
    struct list quiet;
    list_init(&quiet);
    uint64_t pages = 0;
    irqflags_t flags = spin_lock(&domain_lock);
    struct device *device = domain->device;
    for (unsigned i = 0; device != NULL && i < PINS_PER_HOLD && pages < PAGES_PER_STEP; i++) {
        if (list_empty(&device->quarantined))
            break;
        struct pin *pin = list_entry(list_pop_front(&device->quarantined), struct pin, link);
        list_push_back(&quiet, &pin->link);
        device->quarantined_pages -= pin->pages;
        atomic_fetch_sub_explicit(&quarantined, pin->pages, memory_order_relaxed);
        pages += pin->pages;
    }
    spin_unlock(&domain_lock, flags);
    bool some = !list_empty(&quiet);
    quiet_release(device, &quiet);
    return some;
}

bool domain_driver_died_some(const struct address_space *space)
{
    struct domain *domain = domain_driven_by(space);
    if (domain == NULL)
        return false;
    bool more = false;
    if (hold_use(&domain->hold)) {
        hold_block(&domain->hold);
        more = domain->hold.dma != NULL && release_some(domain);
        hold_unuse(&domain->hold);
    }
    if (!more)
        hold_release(&domain->hold);
    object_put(&domain->object);
    return true;
}

void kernel_dma_fault(const struct dma_fault *fault)
{
    irqflags_t flags = spin_lock(&domain_lock);
    struct device *device = device_find(fault->device);
    if (device != NULL && device->holder != NULL)
        hold_fault(&device->holder->hold, fault);
    else
        hold_fault_of_nobody(fault);
    spin_unlock(&domain_lock, flags);
}

static ts_status_t domain_state(struct domain *domain, const struct ts_call *call)
{
    struct ts_domain_state state = {0};
    irqflags_t flags = spin_lock(&domain_lock);
    const struct device *device = domain->device;
    if (device != NULL) {
        state.pinned = device->live_pages;
        state.quarantined = device->quarantined_pages;
        state.flags = (domain->hold.dma != NULL ? TS_DOMAIN_HELD : 0) |
                      (hold_driven(&domain->hold) ? TS_DOMAIN_DRIVEN : 0) |
                      (device->uses != 0 ? TS_DOMAIN_USED : 0);
    }
    spin_unlock(&domain_lock, flags);
    return device != NULL ? call_write(call, &state, sizeof(state)) : TS_ERR_GONE;
}

static ts_status_t domain_operate(struct object *object, struct operation *operation)
{
    struct domain *domain = domain_of(object);
    struct ts_call call;
    if (operation->op != TS_OP_CALL)
        return TS_ERR_UNSUPPORTED;
    ts_status_t status = operation_call(operation, &call);
    if (status != TS_OK)
        return status;
    switch (call.method) {
    case TS_DOMAIN_PIN: return domain_pin(domain, &call);
    case TS_DOMAIN_UNPIN: return domain_unpin(domain, &call);
    case TS_DOMAIN_QUIET:
        if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0)
            return TS_ERR_RIGHTS;
        return domain_quiet(domain);
    case TS_DOMAIN_STATE: return domain_state(domain, &call);
    case TS_DOMAIN_END:
        if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0)
            return TS_ERR_RIGHTS;
        return domain_end(domain);
    case TS_DOMAIN_DRIVE: return domain_drive(domain);
    default: return TS_ERR_UNSUPPORTED;
    }
}

// The last handle closed: nobody can say any more that the device is quiet. Once for each domain,
// which has no device from here on, and whose device reaches nothing by it.
static void domain_unhandled(struct object *object)
{
    struct domain *domain = domain_of(object);
    struct device *forgotten = NULL;
    if (!hold_use(&domain->hold))
        return; // it was ended
    hold_end(&domain->hold);
    irqflags_t flags = spin_lock(&domain_lock);
    bool ended = domain->device == NULL;
    if (!ended)
        forgotten = device_forget(device_leave(domain));
    spin_unlock(&domain_lock, flags);
    device_free(forgotten);
    if (!ended)
        hold_release(&domain->hold);
    hold_unuse(&domain->hold);
}

static void domain_destroy(struct object *object)
{
    struct domain *domain = domain_of(object);
    KASSERT(domain->device == NULL);
    hold_fini(&domain->hold);
    body_destroy(object, sizeof(*domain));
}

const struct object_class domain_class = {
    .kind = TS_KIND_DOMAIN,
    .name = "domain",
    .rights = TS_RIGHT_CALL | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER | TS_RIGHT_MANAGE,
    .unhandled = domain_unhandled,
    .destroy = domain_destroy,
    .operate = domain_operate,
};

static struct device *device_create(uint64_t number, struct account *payer, ts_status_t *out_status)
{
    struct device *device = paid_alloc_zeroed(payer, sizeof(*device), out_status);
    if (device == NULL)
        return NULL;
    device->payer = payer;
    account_get(payer);
    device->number = number;
    list_init(&device->live);
    list_init(&device->quarantined);
    return device;
}

// Makes `domain` the holder of a device, of `fresh` if it is not known (which is then NULL). Lock
// held.
static ts_status_t device_hold(struct domain *domain, struct device **fresh)
{
    struct device *device = device_find((*fresh)->number);
    if (device != NULL && (device->holder != NULL || device->uses != 0))
        return TS_ERR_BUSY;
    if (device == NULL) {
        if (device_count == DEVICES_MAX)
            return TS_ERR_LIMIT;
        device = *fresh;
        *fresh = NULL;
        list_push_back(&devices, &device->link);
        device_count++;
    }
    device->holder = domain;
    domain->device = device;
    return TS_OK;
}

ts_status_t domain_make(uint64_t number, struct capability *out_domain)
{
    struct account *payer = caller_account();
    ts_status_t status;
    struct domain *domain = body_create(payer, sizeof(*domain), &domain_class, &status);
    if (domain == NULL)
        return status;
    struct device *fresh = device_create(number, payer, &status);
    if (fresh != NULL)
        status = hold_init(&domain->hold, &domain->object, number);
    if (status == TS_OK) {
        irqflags_t flags = spin_lock(&domain_lock);
        status = device_hold(domain, &fresh);
        spin_unlock(&domain_lock, flags);
        if (status != TS_OK)
            hold_fini(&domain->hold);
    }
    device_free(fresh);
    if (status != TS_OK) {
        body_destroy(&domain->object, sizeof(*domain));
        return status;
    }
    *out_domain = object_capability_get(&domain->object, domain_class.rights);
    object_put(&domain->object);
    return TS_OK;
}
