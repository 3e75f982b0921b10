// SPDX-License-Identifier: MIT
// Pins: pages of a memory that one device may reach. See domain.h, which has the lists that they
// are in.
#pragma once

#include <base/list.h>
#include <object/transfer.h>
#include <tessera/abi/object.h>

struct account;
struct device;
struct device_hold;
struct memory;

struct pin {
    struct list link;      // in device.live or .quarantined
    struct list mine;      // in the owner's list while that lives
    struct list *owner;    // whose that is; NULL: it has ended
    struct account *payer; // for the pin; a reference
    struct memory *memory; // that has the pages, never a view; a reference, and it is fixed
    uint64_t offset, pages;
    struct device_hold *hold; // by which the device reaches it; a reference to its domain
    uint64_t mapped;          // pages that the IOMMU lets it reach
    struct device *device;
    uint64_t holding; // device.holdings when it was made
};

// The argument of PIN and UNPIN, and the memory it names, with a reference. TS_ERR_ARGUMENT;
// TS_ERR_KIND: no memory; what call_read() and handle_get() say.
TS_MUST_USE ts_status_t pin_argument(const struct ts_call *call, struct ts_domain_pin *out_argument,
                                     struct memory **out_memory);

// A pin of pages that are there and stay there, not in any list or domain yet. Preemptible.
// TS_ERR_BUSY: the memory is being shrunk; what memory_commit() says; TS_ERR_LIMIT, TS_ERR_MEMORY.
TS_MUST_USE ts_status_t pin_make(struct memory *memory, const struct ts_domain_pin *argument,
                                 struct pin **out_pin);

// Writes where the device finds each page to the call's output.
TS_MUST_USE ts_status_t pin_addresses(const struct pin *pin, const struct ts_call *call);

// Gives back what a pin keeps, and its domain. It is in no list any more; its device reaches the
// pages by no other pin's when this returns.
void pin_free(struct pin *pin);
