// SPDX-License-Identifier: MIT
// See device.h.
#include <object/body.h>
#include <object/device.h>
#include <object/domain.h>
#include <panic.h>
#include <stdatomic.h>
#include <tessera/abi/status.h>

#define DEVICES_MAX 4096u // with a holder, uses or pins

struct spinlock domain_lock = SPINLOCK_INIT("domains");
struct list devices = {&devices, &devices};
static uint32_t device_count;
static _Atomic uint64_t quarantined;

uint64_t domain_quarantined(void)
{
    return atomic_load_explicit(&quarantined, memory_order_relaxed);
}

struct device *device_find(uint64_t number)
{
    list_for_each(node, &devices)
    {
        struct device *device = list_entry(node, struct device, link);
        if (device->number == number) {
            return device;
        }
    }
    return NULL;
}

bool device_enter(struct device *device)
{
    if (device_count == DEVICES_MAX) {
        return false;
    }
    list_push_back(&devices, &device->link);
    device_count++;
    return true;
}

struct device *device_forget(struct device *device)
{
    if (device->holder != NULL || device->pin_count != 0 || device->uses != 0) {
        return NULL;
    }
    list_remove(&device->link);
    device_count--;
    return device;
}

struct device *device_create(uint64_t number, struct account *payer, ts_status_t *out_status)
{
    struct device *device = paid_alloc_zeroed(payer, sizeof(*device), out_status);
    if (device == NULL) {
        return NULL;
    }
    device->payer = payer;
    account_get(payer);
    device->number = number;
    list_init(&device->live);
    list_init(&device->quarantined);
    return device;
}

void device_free(struct device *device)
{
    if (device == NULL) {
        return;
    }
    struct account *payer = device->payer;
    paid_free(payer, device, sizeof(*device));
    account_put(payer);
}

void device_quarantine(struct device *device, uint64_t pages)
{
    device->live_pages -= pages;
    device->quarantined_pages += pages;
    atomic_fetch_add_explicit(&quarantined, pages, memory_order_relaxed);
}

void device_unquarantine(struct device *device, uint64_t pages)
{
    device->quarantined_pages -= pages;
    atomic_fetch_sub_explicit(&quarantined, pages, memory_order_relaxed);
}

struct device *device_use(struct device *device)
{
    if (device == NULL) {
        return NULL;
    }
    irqflags_t flags = spin_lock(&domain_lock);
    KASSERT(device->uses > 0);
    device->uses++;
    spin_unlock(&domain_lock, flags);
    return device;
}

void device_unuse(struct device *device)
{
    if (device == NULL) {
        return;
    }
    irqflags_t flags = spin_lock(&domain_lock);
    KASSERT(device->uses > 0);
    device->uses--;
    struct device *forgotten = device_forget(device);
    spin_unlock(&domain_lock, flags);
    device_free(forgotten);
}
