// SPDX-License-Identifier: MIT
// One pin. See pin.h.
#include <core/handle_table.h>
#include <object/body.h>
#include <mm/page.h>
#include <object/caller.h>
#include <object/device_hold.h>
#include <object/memory.h>
#include <object/pin.h>
#include <sched/sched.h>

#define ADDRESS_PIECE 32u // bus addresses copied out at a time

// Where the device finds a page. The IOMMU's tables (device_hold.h) say the same.
static uint64_t pin_address(const struct page *page)
{
    return page_address(page);
}

static void pin_unmake(struct pin *pin)
{
    struct account *payer = pin->payer;
    paid_free(payer, pin, sizeof(*pin));
    account_put(payer);
}

// Gives back what a pin keeps. It is in no list, and its device does not reach the pages any more.
void pin_free(struct pin *pin)
{
    hold_unmap(pin->hold, pin->memory, pin->offset, pin->mapped);
    object_put(pin->hold->domain);
    memory_unfix(pin->memory);
    object_put(&pin->memory->object);
    pin_unmake(pin);
}

// The argument of PIN and UNPIN, and the memory it names, with a reference.
ts_status_t pin_argument(const struct ts_call *call, struct ts_domain_pin *out_argument,
                         struct memory **out_memory)
{
    struct handle named;
    ts_status_t status = call_read(call, out_argument, sizeof(*out_argument));
    if (status != TS_OK) {
        return status;
    }
    if (out_argument->reserved != 0 || out_argument->length == 0 ||
        ((out_argument->offset | out_argument->length) & PAGE_MASK) != 0) {
        return TS_ERR_ARGUMENT;
    }
    status = handle_get(caller_handles(), out_argument->memory,
                        TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_MAP, &named);
    if (status != TS_OK) {
        return status;
    }
    if (named.object->class != &memory_class) {
        object_put(named.object);
        return TS_ERR_KIND;
    }
    *out_memory = memory_of(named.object);
    return TS_OK;
}

// A pin of pages that are there and stay there, not in any domain yet.
ts_status_t pin_make(struct memory *memory, const struct ts_domain_pin *argument,
                     struct pin **out_pin)
{
    ts_status_t status;
    struct account *payer = caller_account();
    struct pin *pin = paid_alloc_zeroed(payer, sizeof(*pin), &status);
    if (pin == NULL) {
        return status;
    }
    pin->payer = payer;
    account_get(payer);
    status = memory_fix(memory);
    if (status != TS_OK) {
        goto free;
    }
    status = memory_commit(memory, argument->offset, argument->length);
    if (status != TS_OK) {
        goto unfix;
    }
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

ts_status_t pin_addresses(const struct pin *pin, const struct ts_call *call)
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
        if (status == TS_OK) {
            status = transfer_to_user(&transfer, addresses, count * sizeof(uint64_t));
        }
    }
    return status;
}
