// SPDX-License-Identifier: MIT
// Domains. See domain.h; pin.h has one pin, device.h what is known of a device.
//
// Each holder of a device has a domain object of its own: what is late for one that has closed
// finds it closed, and not the next holder's. A pin is in two lists, its device's and its owner's,
// and leaves the owner's when that ends: so nothing is found by the address of a process that is
// gone.
#include <object/body.h>
#include <object/caller.h>
#include <object/device.h>
#include <object/device_hold.h>
#include <object/domain.h>
#include <object/memory.h>
#include <object/pin.h>
#include <panic.h>
#include <tessera/abi/object.h>

#define PINS_MAX       4096u // a device
#define PINS_PER_HOLD  64u
#define PAGES_PER_STEP 4096u // of pins that are released, or one pin

struct domain {
    struct object object;
    struct device *device; // under domain_lock; NULL: it was ended, or its last handle has closed
    struct device_hold hold;
};

static struct domain *domain_of(struct object *object)
{
    return list_entry(object, struct domain, object);
}

ts_status_t domain_use(struct object *object, struct device **out_device)
{
    if (object->class != &domain_class) {
        return TS_ERR_KIND;
    }
    irqflags_t flags = spin_lock(&domain_lock);
    struct device *device = domain_of(object)->device;
    if (device != NULL) {
        device->uses++;
    }
    spin_unlock(&domain_lock, flags);
    *out_device = device;
    return device != NULL ? TS_OK : TS_ERR_GONE;
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
            device_quarantine(pin->device, pin->pages);
        }
        pin->owner = NULL;
    }
    bool more = !list_empty(pins);
    spin_unlock(&domain_lock, flags);
    return more;
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

static ts_status_t pin_enter(struct domain *domain, const struct ts_call *call)
{
    struct ts_domain_pin argument;
    struct memory *memory;
    struct pin *pin = NULL;
    ts_status_t status = pin_argument(call, &argument, &memory);
    if (status != TS_OK) {
        return status;
    }
    if (call->out_length / sizeof(uint64_t) < argument.length / PAGE_SIZE) {
        status = TS_ERR_ARGUMENT;
    }
    if (status == TS_OK) {
        status = hold_drive(&domain->hold);
    }
    if (status == TS_OK) {
        status = pin_make(memory, &argument, &pin);
    }
    object_put(&memory->object);
    if (status != TS_OK) {
        return status;
    }
    object_get(&domain->object);
    pin->hold = &domain->hold;
    // Told first, entered then: addresses are of no use before the call has ended, and a pin that
    // was never told needs no quarantine.
    status = pin_addresses(pin, call);
    if (status == TS_OK) {
        status = hold_map(&domain->hold, pin->memory, pin->offset, pin->pages, &pin->mapped);
    }
    if (status == TS_OK) {
        status = pin_insert(domain, pin);
    }
    if (status != TS_OK) {
        pin_free(pin);
    }
    return status;
}

static ts_status_t domain_pin(struct domain *domain, const struct ts_call *call)
{
    if (!hold_use(&domain->hold)) {
        return TS_ERR_GONE;
    }
    ts_status_t status = pin_enter(domain, call);
    hold_unuse(&domain->hold);
    return status;
}

static ts_status_t domain_drive(struct domain *domain)
{
    if (!hold_use(&domain->hold)) {
        return TS_ERR_GONE;
    }
    ts_status_t status = hold_drive(&domain->hold);
    hold_unuse(&domain->hold);
    return status;
}

// Takes a live pin of the caller out of its domain. Lock held.
static struct pin *pin_take(struct domain *domain, const struct memory *memory, uint64_t offset,
                            uint64_t pages)
{
    struct device *device = domain->device;
    if (device == NULL) {
        return NULL;
    }
    list_for_each(node, &device->live)
    {
        struct pin *pin = list_entry(node, struct pin, link);
        if (pin->memory != memory || pin->offset != offset || pin->pages != pages ||
            pin->owner != caller_pins()) {
            continue;
        }
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
    if (status != TS_OK) {
        return status;
    }
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
    if (found != NULL) {
        pin_free(found);
    }
    hold_unuse(&domain->hold);
    return found != NULL ? TS_OK : TS_ERR_NOT_FOUND;
}

// Takes what is in quarantine now, to be released. Lock held.
static void quiet_take(struct device *device, struct list *quiet)
{
    list_splice_back(quiet, &device->quarantined);
    device_unquarantine(device, device->quarantined_pages);
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
    if (!hold_use(&domain->hold)) {
        return TS_ERR_GONE;
    }
    irqflags_t flags = spin_lock(&domain_lock);
    struct device *device = domain->device;
    if (device != NULL) {
        quiet_take(device, &quiet);
    }
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
    device_quarantine(device, device->live_pages);
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
// refused. A handle that is left can do no more with it.
static ts_status_t domain_end(struct domain *domain)
{
    if (!hold_use(&domain->hold)) {
        return TS_ERR_GONE;
    }
    ts_status_t status = end_check(domain);
    if (status == TS_OK) {
        status = end_now(domain);
    }
    hold_unuse(&domain->hold);
    return status;
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
        if (list_empty(&device->quarantined)) {
            break;
        }
        struct pin *pin = list_entry(list_pop_front(&device->quarantined), struct pin, link);
        list_push_back(&quiet, &pin->link);
        device_unquarantine(device, pin->pages);
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
    if (domain == NULL) {
        return false;
    }
    bool more = false;
    if (hold_use(&domain->hold)) {
        hold_block(&domain->hold);
        more = domain->hold.dma != NULL && release_some(domain);
        hold_unuse(&domain->hold);
    }
    if (!more) {
        hold_release(&domain->hold);
    }
    object_put(&domain->object);
    return true;
}

void domain_fault(const struct dma_fault *fault)
{
    irqflags_t flags = spin_lock(&domain_lock);
    struct device *device = device_find(fault->device);
    if (device != NULL && device->holder != NULL) {
        hold_fault(&device->holder->hold, fault);
    } else {
        hold_fault_of_nobody(fault);
    }
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
    if (operation->op != TS_OP_CALL) {
        return TS_ERR_UNSUPPORTED;
    }
    ts_status_t status = operation_call(operation, &call);
    if (status != TS_OK) {
        return status;
    }
    switch (call.method) {
    case TS_DOMAIN_PIN: return domain_pin(domain, &call);
    case TS_DOMAIN_UNPIN: return domain_unpin(domain, &call);
    case TS_DOMAIN_QUIET:
        if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0) {
            return TS_ERR_RIGHTS;
        }
        return domain_quiet(domain);
    case TS_DOMAIN_STATE: return domain_state(domain, &call);
    case TS_DOMAIN_END:
        if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0) {
            return TS_ERR_RIGHTS;
        }
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
    if (!hold_use(&domain->hold)) {
        return; // it was ended
    }
    hold_end(&domain->hold);
    irqflags_t flags = spin_lock(&domain_lock);
    bool ended = domain->device == NULL;
    if (!ended) {
        forgotten = device_forget(device_leave(domain));
    }
    spin_unlock(&domain_lock, flags);
    device_free(forgotten);
    if (!ended) {
        hold_release(&domain->hold);
    }
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

// Makes `domain` the holder of a device, of `fresh` if it is not known (which is then NULL). Lock
// held.
static ts_status_t device_hold(struct domain *domain, struct device **fresh)
{
    struct device *device = device_find((*fresh)->number);
    if (device != NULL && (device->holder != NULL || device->uses != 0)) {
        return TS_ERR_BUSY;
    }
    if (device == NULL) {
        device = *fresh;
        if (!device_enter(device)) {
            return TS_ERR_LIMIT;
        }
        *fresh = NULL;
    }
    device->holder = domain;
    domain->device = device;
    return TS_OK;
}

ts_status_t domain_make(uint64_t number, struct handle *out_domain)
{
    struct account *payer = caller_account();
    ts_status_t status;
    struct domain *domain = body_create(payer, sizeof(*domain), &domain_class, &status);
    if (domain == NULL) {
        return status;
    }
    struct device *fresh = device_create(number, payer, &status);
    if (fresh != NULL) {
        status = hold_init(&domain->hold, &domain->object, number);
    }
    if (status == TS_OK) {
        irqflags_t flags = spin_lock(&domain_lock);
        status = device_hold(domain, &fresh);
        spin_unlock(&domain_lock, flags);
        if (status != TS_OK) {
            hold_fini(&domain->hold);
        }
    }
    device_free(fresh);
    if (status != TS_OK) {
        body_destroy(&domain->object, sizeof(*domain));
        return status;
    }
    *out_domain = object_handle_get(&domain->object, domain_class.rights);
    object_put(&domain->object);
    return TS_OK;
}
