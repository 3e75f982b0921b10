// SPDX-License-Identifier: MIT
// See paid.h.
#include <mm/heap.h>
#include <mm/paid.h>
#include <string.h>

void *paid_alloc(struct account *account, size_t size, ts_status_t *out_status)
{
    *out_status = account_charge_bytes(account, heap_price(size));
    if (*out_status != TS_OK) {
        return NULL;
    }
    void *pointer = heap_alloc(size);
    if (pointer == NULL) {
        account_uncharge_bytes(account, heap_price(size));
        *out_status = TS_ERR_MEMORY;
    }
    return pointer;
}

void *paid_alloc_zeroed(struct account *account, size_t size, ts_status_t *out_status)
{
    void *pointer = paid_alloc(account, size, out_status);
    if (pointer != NULL) {
        memset(pointer, 0, size);
    }
    return pointer;
}

void paid_free(struct account *account, void *pointer, size_t size)
{
    if (pointer == NULL) {
        return;
    }
    heap_free(pointer, size);
    account_uncharge_bytes(account, heap_price(size));
}
