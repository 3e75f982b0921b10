// SPDX-License-Identifier: MIT
// Methods of kernel objects, each with its argument structure. See shape.h.
#include "devices.h"
#include "shape.h"

#include <tessera/abi/object.h>
#include <tessera/proto/pci.h>

static const struct method {
    uint8_t sort, number, words; // words of input, chosen by fill()
    bool gives;                  // a handle
} methods[] = {
    {SORT_MEMORY, TS_MEMORY_COMMIT, 2, false},
    {SORT_MEMORY, TS_MEMORY_VIEW, 2, true},
    {SORT_MEMORY, TS_MEMORY_VIEW, 2, true},
    {SORT_PORT, TS_PORT_BIND, 2, false},
    {SORT_PORT, TS_PORT_BIND, 2, false},
    {SORT_PORT, TS_PORT_UNBIND, 2, false},
    {SORT_PROCESS, TS_PROCESS_GIVE, 0, false},
    {SORT_PROCESS, TS_PROCESS_KILL, 0, false},
    {SORT_PROCESS, TS_PROCESS_READ, 2, false},
    {SORT_PROCESS, TS_PROCESS_WRITE, 8, false},
    {SORT_JOB, TS_JOB_KILL, 0, false},
    {SORT_OTHER, TS_LOG_RELEASE_SERIAL, 0, false},
    {SORT_OTHER, TS_LOG_RELEASE_SCREEN, 0, false},
    {SORT_DOMAIN, TS_DOMAIN_PIN, 3, false},
    {SORT_DOMAIN, TS_DOMAIN_PIN, 3, false},
    {SORT_DOMAIN, TS_DOMAIN_PIN, 3, false},
    {SORT_DOMAIN, TS_DOMAIN_UNPIN, 3, false},
    {SORT_DOMAIN, TS_DOMAIN_UNPIN, 3, false},
    {SORT_DOMAIN, TS_DOMAIN_QUIET, 0, false},
    {SORT_DOMAIN, TS_DOMAIN_STATE, 0, false},
    {SORT_DOMAIN, TS_DOMAIN_DRIVE, 0, false},
    {SORT_DOMAIN, TS_DOMAIN_END, 0, false},
    {SORT_IO, TS_IO_STRING, 4, false},
    {SORT_RESOURCE, TS_RESOURCE_DERIVE, 2, true},
    {SORT_RESOURCE, TS_RESOURCE_MEMORY, 3, true},
    {SORT_RESOURCE, TS_RESOURCE_LINE, 1, true},
    {SORT_RESOURCE, TS_RESOURCE_MESSAGE, 1, true},
    {SORT_RESOURCE, TS_RESOURCE_IO_RANGE, 2, true},
    {SORT_RESOURCE, TS_RESOURCE_DOMAIN_MAKE, 2, true},
    {SORT_RESOURCE, TS_RESOURCE_DOMAIN_MAKE, 2, true},
    {SORT_DEVICE, TS_PCI_BAR, 3, true},
    {SORT_DEVICE, TS_PCI_VECTOR, 1, true},
    {SORT_DEVICE, TS_PCI_DOMAIN, 0, true},
    {SORT_DEVICE, TS_PCI_ENABLE, 1, false},
    {SORT_DEVICE, TS_PCI_RESET, 0, false},
};
#define METHODS (sizeof(methods) / sizeof(*methods))

static uint64_t some_pages(struct actor *actor)
{
    return below(actor, 4) * TS_PAGE_SIZE;
}

// Of a resource of devices.h: one of four kinds, of which the method wants one.
static void fill_resource(struct actor *actor, uint32_t method, uint64_t *words)
{
    static const uint64_t bases[] = {DEVICES_PHYSICAL, DEVICES_PORTS, DEVICES_LINE, DEVICES_FIRST};
    switch (method) {
    case TS_RESOURCE_MEMORY:
        words[0] = DEVICES_PHYSICAL + some_pages(actor);
        words[1] = some_pages(actor) + TS_PAGE_SIZE;
        words[2] = below(actor, 4);
        break;
    case TS_RESOURCE_LINE:
        words[0] = ts_pair((uint32_t)(DEVICES_LINE + below(actor, DEVICES_LINES)),
                           (uint32_t)below(actor, 8));
        break;
    case TS_RESOURCE_MESSAGE: words[0] = DEVICES_FIRST + below(actor, DEVICES_COUNT); break;
    case TS_RESOURCE_IO_RANGE:
        words[0] = DEVICES_PORTS + below(actor, DEVICES_PORT_ROOM);
        words[1] = 1 + below(actor, DEVICES_PORT_ROOM);
        break;
    case TS_RESOURCE_DOMAIN_MAKE:
        words[0] = DEVICES_FIRST + below(actor, DEVICES_COUNT);
        words[1] = 1;
        break;
    default:
        words[0] = ONE_OF(actor, bases) + below(actor, 2);
        words[1] = below(actor, DEVICES_PORT_ROOM);
        break;
    }
    if (one_in(actor, 8)) {
        words[below(actor, 2)] = some_number(actor);
    }
}

// The input of a method: a range, a binding, or an address of another process.
static void fill(struct actor *actor, const struct method *method, uint64_t *words)
{
    switch (method->sort) {
    case SORT_MEMORY:
        words[0] = one_in(actor, 4) ? some_number(actor) : some_pages(actor);
        words[1] = one_in(actor, 4) ? some_number(actor) : some_pages(actor) + TS_PAGE_SIZE;
        break;
    case SORT_PORT:
        words[0] = ts_pair(handle_like(actor, SORT_RING),
                           one_in(actor, 16) ? (uint32_t)actor_next(actor) : 0);
        words[1] = below(actor, 100);
        break;
    case SORT_DOMAIN:
        words[0] = handle_like(actor, one_in(actor, 4) ? SORT_INBOX : SORT_MEMORY);
        words[1] = one_in(actor, 8) ? some_number(actor) : some_pages(actor);
        words[2] = one_in(actor, 8) ? some_number(actor) : some_pages(actor) + TS_PAGE_SIZE;
        break;
    case SORT_IO: // struct ts_io_string
        words[0] = below(actor, DEVICES_PORT_ROOM + 4) | (UINT64_C(1) << below(actor, 4)) << 16 |
                   below(actor, 2) << 24 | (one_in(actor, 4) ? some_number(actor) : 4) << 32;
        break;
    case SORT_RESOURCE: fill_resource(actor, method->number, words); break;
    case SORT_DEVICE: // struct ts_pci_range, or a number
        words[0] = below(actor, 8);
        words[1] = some_pages(actor);
        words[2] = one_in(actor, 2) ? 0 : some_pages(actor);
        break;
    default:
        words[0] = some_address(actor);
        words[1] = one_in(actor, 2) ? below(actor, 48) : some_number(actor);
        break;
    }
}

static void shape(struct actor *actor, const struct method *method, struct ts_submission *out_shape)
{
    struct ts_call *call = area_place(actor, sizeof(*call));
    uint64_t *words = area_place(actor, 64);
    fill(actor, method, words);
    *call = (struct ts_call){
        .in_address = (uintptr_t)words,
        .in_length = method->words * (method->sort == SORT_DEVICE && method->words == 1 ? 4u : 8u),
        .out_address = some_address(actor),
        .out_length = one_in(actor, 2) ? 0 : 4096,
        .method = method->number,
        .out_handles = method->gives};
    if (method->sort == SORT_PROCESS && method->number == TS_PROCESS_GIVE) {
        call->in_handles = 1;
        call->in_handle[0] = some_handle(actor);
    }
    out_shape->handle = handle_like(actor, (enum sort)method->sort);
    out_shape->address = (uintptr_t)call;
    out_shape->length = sizeof(*call);
    out_shape->arg = method->number;
    if (method->sort == SORT_MEMORY && one_in(actor, 3)) {
        out_shape->handle = pool_pick(actor, SORT_INBOX);
    }
    if (one_in(actor, 16)) {
        *(uint64_t *)area_place(actor, 8) = some_number(actor);
    }
}

void shape_method(struct actor *actor, struct ts_submission *out_shape)
{
    const struct method *method = &methods[below(actor, METHODS)];
    if (pool_pick(actor, (enum sort)method->sort) == TS_HANDLE_NONE) { // there may be no devices
        method = &methods[below(actor, METHODS)];
    }
    shape(actor, method, out_shape);
}

void shape_method_of(struct actor *actor, enum sort sort, struct ts_submission *out_shape)
{
    uint64_t at = below(actor, METHODS);
    while (methods[at].sort != sort) {
        at = (at + 1) % METHODS;
    }
    shape(actor, &methods[at], out_shape);
}
