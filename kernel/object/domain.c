// SPDX-License-Identifier: MIT
// Domains and their pins. See domain.h.
//
// One lock guards the list of domains and all pins: pinning is rare (drivers pin their pools once).
// The list keeps a reference to each domain; it is dropped when the last handle closes and no pin
// is left.
#include <core/handle_table.h>
#include <mm/address_space.h>
#include <mm/heap.h>
#include <mm/page.h>
#include <object/caller.h>
#include <object/domain.h>
#include <object/memory.h>
#include <object/transfer.h>
#include <panic.h>
#include <tessera/abi/object.h>

#define PINS_MAX      4096u // a domain
#define ADDRESS_PIECE 32u   // bus addresses copied out at a time

struct pin {
    struct list link;      // in domain.pins
    struct memory *memory; // that has the pages, never a view; a reference, and it is fixed
    uint64_t offset, pages;
    const struct address_space *owner; // for comparing only; NULL: in quarantine
};

struct domain {
    struct object object;
    struct list link; // in `domains`
    uint64_t device;
    struct list pins;
    uint32_t pin_count;
    uint64_t pinned, quarantined; // pages
};

static struct spinlock domain_lock = SPINLOCK_INIT("domains");
static struct list domains = {&domains, &domains};
static _Atomic uint64_t quarantined;

static struct domain *domain_of(struct object *object)
{
    return list_entry(object, struct domain, object);
}

uint64_t domain_quarantined(void)
{
    return atomic_load_explicit(&quarantined, memory_order_relaxed);
}

// Where the device finds a page: with an IOMMU, an address of the domain's own.
static uint64_t pin_address(const struct page *page)
{
    return page_address(page);
}

// Pins of `owner` (NULL: all) go into quarantine. Lock held.
static void quarantine(struct domain *domain, const struct address_space *owner)
{
    list_for_each(node, &domain->pins)
    {
        struct pin *pin = list_entry(node, struct pin, link);
        if (pin->owner == NULL || (owner != NULL && pin->owner != owner))
            continue;
        pin->owner = NULL;
        domain->pinned -= pin->pages;
        domain->quarantined += pin->pages;
        atomic_fetch_add_explicit(&quarantined, pin->pages, memory_order_relaxed);
    }
}

void domain_owner_died(const struct address_space *space)
{
    irqflags_t flags = spin_lock(&domain_lock);
    list_for_each(node, &domains) quarantine(list_entry(node, struct domain, link), space);
    spin_unlock(&domain_lock, flags);
}

// Takes a pin out of its domain. Lock held.
static void pin_remove(struct domain *domain, struct pin *pin)
{
    list_remove(&pin->link);
    domain->pin_count--;
    if (pin->owner != NULL) {
        domain->pinned -= pin->pages;
    } else {
        domain->quarantined -= pin->pages;
        atomic_fetch_sub_explicit(&quarantined, pin->pages, memory_order_relaxed);
    }
}

static void pin_free(struct pin *pin)
{
    memory_unfix(pin->memory);
    object_put(&pin->memory->object);
    heap_free(pin, sizeof(*pin));
}

static ts_status_t pin_insert(struct domain *domain, struct pin *pin)
{
    irqflags_t flags = spin_lock(&domain_lock);
    bool room = domain->pin_count < PINS_MAX;
    if (room) {
        list_push_back(&domain->pins, &pin->link);
        domain->pin_count++;
        domain->pinned += pin->pages;
    }
    spin_unlock(&domain_lock, flags);
    return room ? TS_OK : TS_ERR_LIMIT;
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
    struct pin *pin = heap_alloc_zeroed(sizeof(*pin));
    if (pin == NULL)
        return TS_ERR_MEMORY;
    ts_status_t status = memory_fix(memory);
    if (status != TS_OK)
        goto free;
    status = memory_commit(memory, argument->offset, argument->length);
    if (status != TS_OK)
        goto unfix;
    pin->offset = argument->offset;
    pin->memory = memory_resolve(memory, &pin->offset);
    object_get(&pin->memory->object);
    pin->pages = argument->length / PAGE_SIZE;
    pin->owner = space_current();
    *out_pin = pin;
    return TS_OK;
unfix:
    memory_unfix(memory);
free:
    heap_free(pin, sizeof(*pin));
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
            status = memory_page_get(pin->memory, pin->offset + at * PAGE_SIZE, &page);
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

static ts_status_t domain_pin(struct domain *domain, const struct ts_call *call)
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
        status = pin_make(memory, &argument, &pin);
    object_put(&memory->object);
    if (status != TS_OK)
        return status;
    // Told first, entered then: addresses are of no use before the call has ended, and a pin that
    // was never told needs no quarantine.
    status = pin_addresses(pin, call);
    if (status == TS_OK)
        status = pin_insert(domain, pin);
    if (status != TS_OK)
        pin_free(pin);
    return status;
}

static ts_status_t domain_unpin(struct domain *domain, const struct ts_call *call)
{
    struct ts_domain_pin argument;
    struct memory *memory;
    ts_status_t status = pin_argument(call, &argument, &memory);
    if (status != TS_OK)
        return status;
    uint64_t offset = argument.offset;
    const struct memory *pages = memory_resolve(memory, &offset);
    struct pin *found = NULL;
    irqflags_t flags = spin_lock(&domain_lock);
    list_for_each(node, &domain->pins)
    {
        struct pin *pin = list_entry(node, struct pin, link);
        if (pin->memory == pages && pin->offset == offset && pin->owner == space_current() &&
            pin->pages == argument.length / PAGE_SIZE) {
            found = pin;
            pin_remove(domain, pin);
            break;
        }
    }
    spin_unlock(&domain_lock, flags);
    object_put(&memory->object);
    if (found == NULL)
        return TS_ERR_NOT_FOUND;
    pin_free(found);
    return TS_OK;
}

// The device is quiet: nothing in quarantine can be written any more.
static void domain_quiet(struct domain *domain)
{
    for (;;) {
        struct pin *found = NULL;
        irqflags_t flags = spin_lock(&domain_lock);
        list_for_each(node, &domain->pins)
        {
            struct pin *pin = list_entry(node, struct pin, link);
            if (pin->owner == NULL) {
                found = pin;
                pin_remove(domain, pin);
                break;
            }
        }
        spin_unlock(&domain_lock, flags);
        if (found == NULL)
            return;
        pin_free(found);
    }
}

static ts_status_t domain_state(struct domain *domain, const struct ts_call *call)
{
    irqflags_t flags = spin_lock(&domain_lock);
    struct ts_domain_state state = {.pinned = domain->pinned, .quarantined = domain->quarantined};
    spin_unlock(&domain_lock, flags);
    return call_write(call, &state, sizeof(state));
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
        domain_quiet(domain);
        return TS_OK;
    case TS_DOMAIN_STATE: return domain_state(domain, &call);
    default: return TS_ERR_UNSUPPORTED;
    }
}

// The last handle closed: nobody can say any more that the device is quiet.
static void domain_unhandled(struct object *object)
{
    struct domain *domain = domain_of(object);
    bool forget = false;
    irqflags_t flags = spin_lock(&domain_lock);
    // domain_make() may have made a handle since: whoever asks for a domain again finds pins of
    // others in quarantine.
    quarantine(domain, NULL);
    if (domain->pin_count == 0 && atomic_load(&object->handles) == 0 &&
        !list_empty(&domain->link)) {
        list_remove(&domain->link);
        forget = true;
    }
    spin_unlock(&domain_lock, flags);
    if (forget)
        object_put(object);
}

static void domain_destroy(struct object *object)
{
    struct domain *domain = domain_of(object);
    KASSERT(domain->pin_count == 0);
    heap_free(domain, sizeof(*domain));
}

const struct object_class domain_class = {
    .kind = TS_KIND_DOMAIN,
    .name = "domain",
    .rights = TS_RIGHT_CALL | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER | TS_RIGHT_MANAGE,
    .unhandled = domain_unhandled,
    .destroy = domain_destroy,
    .operate = domain_operate,
};

static struct domain *domain_find(uint64_t device)
{
    list_for_each(node, &domains)
    {
        struct domain *domain = list_entry(node, struct domain, link);
        if (domain->device == device)
            return domain;
    }
    return NULL;
}

ts_status_t domain_make(uint64_t device, struct capability *out_domain)
{
    struct domain *fresh = heap_alloc_zeroed(sizeof(*fresh));
    if (fresh == NULL)
        return TS_ERR_MEMORY;
    object_init(&fresh->object, &domain_class);
    list_init(&fresh->pins);
    fresh->device = device;
    ts_status_t status = TS_OK;
    irqflags_t flags = spin_lock(&domain_lock);
    struct domain *domain = domain_find(device);
    if (domain == NULL) {
        domain = fresh;
        list_push_back(&domains, &domain->link);
    } else if (atomic_load(&domain->object.handles) != 0) {
        status = TS_ERR_BUSY;
    }
    if (status == TS_OK)
        *out_domain = object_capability_get(&domain->object, domain_class.rights);
    spin_unlock(&domain_lock, flags);
    if (domain != fresh)
        heap_free(fresh, sizeof(*fresh));
    return status;
}
