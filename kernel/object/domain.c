// SPDX-License-Identifier: MIT
// Domains: making one, its pins while it is driven. See domain.h; domain_end.c has its end, pin.h
// one pin, device.h what is known of a device.
//
// Each holder of a device has a domain object of its own: what is late for one that has closed
// finds it closed, and not the next holder's. A pin is in two lists, its device's and its owner's,
// and leaves the owner's when that ends: so nothing is found by the address of a process that is
// gone.
#include <object/body.h>
#include <object/caller.h>
#include <object/device.h>
#include <object/domain_end.h>
#include <object/memory.h>
#include <object/pin.h>
#include <panic.h>
#include <tessera/abi/object.h>

#define PINS_MAX 4096u // a device

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
