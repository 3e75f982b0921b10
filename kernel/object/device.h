// SPDX-License-Identifier: MIT
// What the kernel knows of a device: its holder, how many things of it are in use,
// and what is pinned for it. It is remembered while there is any of these. See domain.h.
#pragma once

#include <base/list.h>
#include <spinlock.h>
#include <stdbool.h>
#include <tessera/abi/types.h>

struct account;
struct domain;

// What is known of a device. Under domain_lock.
struct device {
    struct list link;      // in `devices`
    struct account *payer; // of its first holder since it was forgotten; a reference
    uint64_t number;
    struct domain *holder; // that is open; NULL: none. No reference
    uint64_t holdings;     // how many holders have closed
    struct list live;      // struct pin, of this holder and of processes that live
    struct list quarantined;
    uint32_t pin_count;
    uint64_t uses; // that have begun and not ended: see domain.h
    uint64_t live_pages, quarantined_pages;
};

// Guards devices, domains and pins. It is held for a bounded number of steps: those that close, end
// or make quiet take whole lists or a few pins at a time; a search is as long as 4096 pins of a
// device, or 4096 devices.
extern struct spinlock domain_lock;
extern struct list devices; // struct device

// With the lock held: the device of this number, NULL: it is not known; a new one becomes known,
// false: 4096 are.
struct device *device_find(uint64_t number);
bool device_enter(struct device *device);

// Takes a device out that nobody holds or uses and that has no pins, for the caller to free without
// the lock. NULL: it is needed. Lock held.
struct device *device_forget(struct device *device);

// A device that is not known yet; NULL: TS_ERR_LIMIT, TS_ERR_MEMORY. NULL may be freed.
struct device *device_create(uint64_t number, struct account *payer, ts_status_t *out_status);
void device_free(struct device *device);

// Pages go from live to quarantined; and are released from there. Lock held.
void device_quarantine(struct device *device, uint64_t pages);
void device_unquarantine(struct device *device, uint64_t pages);

// A further use, by the holder of one (domain_use); and its end. NULL: no device's. No lock held.
struct device *device_use(struct device *device);
void device_unuse(struct device *device);
