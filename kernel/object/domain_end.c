// SPDX-License-Identifier: MIT
// The end of domains: of what is pinned when its owner or its driver dies, when the domain's
// manager says that the device is quiet, and when the last handle closes. See domain.h.
#include <object/domain_end.h>

#include <object/caller.h>
#include <object/device.h>
#include <object/pin.h>

#define PINS_PER_HOLD  64u
#define PAGES_PER_STEP 4096u // of pins that are released, or one pin

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

ts_status_t domain_quiet(struct domain *domain)
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

ts_status_t domain_end(struct domain *domain)
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

void domain_unhandled(struct object *object)
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
