// SPDX-License-Identifier: MIT
// What the machine layer asks of memory. See arch/hooks.h.
#include <arch/hooks.h>

#include <mm/address_space.h>
#include <mm/page.h>

// The kernel's own tables are its own expense.
static struct account *table_payer(struct arch_space *arch)
{
    return arch == arch_kernel_space() ? NULL
                                       : list_entry(arch, struct address_space, arch)->account;
}

ts_status_t page_table_alloc(struct arch_space *arch, paddr_t *out_page)
{
    struct account *payer = table_payer(arch);
    ts_status_t status = account_charge(payer, 1);
    if (status != TS_OK) {
        return status;
    }
    struct page *page;
    status = page_alloc(PAGE_ALLOC_ZERO, &page);
    if (status != TS_OK) {
        account_uncharge(payer, 1);
        return status;
    }
    *out_page = page_address(page);
    return TS_OK;
}

void page_table_free(struct arch_space *arch, paddr_t page)
{
    page_put(page_find(page));
    account_uncharge(table_payer(arch), 1);
}

// Of kernel stacks: the kernel's own expense until a thread pays for one.
ts_status_t kernel_page_alloc(paddr_t *out_page)
{
    struct page *page;
    ts_status_t status = page_alloc(0, &page);
    if (status != TS_OK) {
        return status;
    }
    (void)account_charge(NULL, 1);
    *out_page = page_address(page);
    return TS_OK;
}

void kernel_page_free(paddr_t page)
{
    account_uncharge(NULL, 1);
    page_put(page_find(page));
}
