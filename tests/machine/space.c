// SPDX-License-Identifier: MIT
// Page tables and user copies.
#include "test.h"

#include <arch/cpu.h>
#include <arch/memory.h>
#include <arch/space.h>
#include <arch/user.h>
#include <machine/paging.h>
#include <string.h>
#include <tessera/abi/status.h>

#define USER_RW (ARCH_PROT_READ | ARCH_PROT_WRITE | ARCH_PROT_USER)
#define USER_R  (ARCH_PROT_READ | ARCH_PROT_USER)
#define AT      UINT64_C(0x400000)

void test_map(void)
{
    struct arch_space space;
    struct arch_flush flush;
    paddr_t page = test_page(), found;
    unsigned prot;
    CHECK(arch_space_create(&space) == TS_OK);
    CHECK(arch_space_query(&space, AT, NULL, NULL) == TS_ERR_NOT_FOUND);
    CHECK(arch_space_map(&space, AT, page, USER_RW, ARCH_CACHE_WRITE_BACK) == TS_OK);
    CHECK(arch_space_map(&space, AT, page, USER_R, ARCH_CACHE_WRITE_BACK) == TS_ERR_EXISTS);
    CHECK(arch_space_query(&space, AT + 5, &found, &prot) == TS_OK);
    CHECK(found == page && prot == USER_RW);
    arch_flush_begin(&flush, &space);
    // What was writable is not executable before every CPU knows.
    CHECK(arch_space_protect(&space, AT, USER_R | ARCH_PROT_EXECUTE, &flush) == TS_OK);
    CHECK(arch_space_query(&space, AT, NULL, &prot) == TS_OK && prot == USER_R && flush.count == 1);
    arch_flush_commit(&flush);
    CHECK(arch_space_protect(&space, AT, USER_R | ARCH_PROT_EXECUTE, &flush) == TS_OK);
    CHECK(arch_space_query(&space, AT, NULL, &prot) == TS_OK);
    CHECK(prot == (USER_R | ARCH_PROT_EXECUTE) && flush.count == 0);
    CHECK(arch_space_protect(&space, AT, USER_RW, &flush) == TS_OK);
    CHECK(arch_space_query(&space, AT, NULL, &prot) == TS_OK && prot == USER_R && flush.count == 1);
    CHECK(arch_space_protect(&space, AT + PAGE_SIZE, USER_R, &flush) == TS_ERR_NOT_FOUND);
    CHECK(arch_space_unmap(&space, AT, &flush, &found) == TS_OK && found == page);
    CHECK(arch_space_unmap(&space, AT, &flush, NULL) == TS_ERR_NOT_FOUND);
    arch_flush_commit(&flush);
    CHECK(flush.count == 0);
    while (arch_space_destroy_some(&space)) {
    }
}

void test_map_refusals(void)
{
    struct arch_space space;
    paddr_t page = test_page();
    CHECK(arch_space_create(&space) == TS_OK);
    static const struct {
        vaddr_t address;
        unsigned prot;
    } bad[] = {
        {AT + 1, USER_R},
        {AT, USER_RW | ARCH_PROT_EXECUTE},
        {AT, ARCH_PROT_READ},
        {0, USER_R},
        {ARCH_USER_BASE - PAGE_SIZE, USER_R},
        {ARCH_USER_END, USER_R},
        {UINT64_C(0x0000800000000000), USER_R},
        {KERNEL_DIRECT_BASE, USER_R},
        {KERNEL_WINDOW_BASE, USER_R},
        {KERNEL_WINDOW_BASE, ARCH_PROT_WRITE},
        {UINT64_MAX & ~PAGE_MASK, USER_R},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(arch_space_map(&space, bad[i].address, page, bad[i].prot, ARCH_CACHE_WRITE_BACK) ==
              TS_ERR_ARGUMENT);
    }
    CHECK(arch_space_map_range(&space, AT, page, UINT64_MAX / 2, USER_R, ARCH_CACHE_WRITE_BACK) ==
          TS_ERR_ARGUMENT);
    CHECK(arch_space_map(&space, AT, page + 1, USER_R, ARCH_CACHE_WRITE_BACK) == TS_ERR_ARGUMENT);
    CHECK(arch_space_map(&kernel_space, KERNEL_DIRECT_BASE, page, ARCH_PROT_WRITE,
                         ARCH_CACHE_WRITE_BACK) == TS_ERR_ARGUMENT);
    while (arch_space_destroy_some(&space)) {
    }
}

static unsigned removed_count;
static paddr_t removed_sum;

static void removed(vaddr_t address, paddr_t page, void *context)
{
    (void)address, (void)context;
    removed_count++;
    removed_sum += page;
}

void test_range(void)
{
    struct arch_space space;
    struct arch_flush flush;
    CHECK(arch_space_create(&space) == TS_OK);
    vaddr_t at = AT + (PAGE_SIZE << 9) - 3 * PAGE_SIZE; // across two tables
    CHECK(arch_space_map_range(&space, at, 0x10000000, 100, USER_R, ARCH_CACHE_UNCACHED) == TS_OK);
    // One page in the way: nothing of a second range stays.
    CHECK(arch_space_map_range(&space, at - 5 * PAGE_SIZE, 0, 6, USER_R, ARCH_CACHE_WRITE_BACK) ==
          TS_ERR_EXISTS);
    CHECK(arch_space_query(&space, at - 5 * PAGE_SIZE, NULL, NULL) == TS_ERR_NOT_FOUND);
    CHECK(arch_space_query(&space, at - PAGE_SIZE, NULL, NULL) == TS_ERR_NOT_FOUND);
    unsigned prot;
    arch_flush_begin(&flush, &space);
    vaddr_t reached = arch_space_protect_range(&space, at, 100, USER_RW, &flush);
    CHECK(reached >= at + ARCH_RANGE_PAGES * PAGE_SIZE);
    while (reached < at + 100 * PAGE_SIZE) {
        reached = arch_space_protect_range(&space, reached, 100 - (reached - at) / PAGE_SIZE,
                                           USER_RW, &flush);
    }
    CHECK(flush.count == 0); // wider needs no flush
    CHECK(arch_space_query(&space, at + 99 * PAGE_SIZE, NULL, &prot) == TS_OK && prot == USER_RW);
    removed_count = 0, removed_sum = 0;
    unsigned steps = 0;
    for (reached = 0; reached < ARCH_USER_END; steps++) {
        reached = arch_space_unmap_range(&space, reached, (ARCH_USER_END - reached) >> PAGE_SHIFT,
                                         &flush, removed, NULL);
    }
    CHECK(steps > 1 && reached == ARCH_USER_END);
    CHECK(removed_count == 100 && flush.count > ARCH_FLUSH_MAX);
    CHECK(removed_sum == 100 * UINT64_C(0x10000000) + PAGE_SIZE * 99 * 100 / 2);
    arch_flush_commit(&flush);
    while (arch_space_destroy_some(&space)) {
    }
}

void test_space_tables(void)
{
    uint32_t before = hooks.tables;
    struct arch_space space;
    CHECK(arch_space_create(&space) == TS_OK);
    for (vaddr_t at = AT; at < ARCH_USER_END; at += UINT64_C(0x10000000000)) {
        CHECK(arch_space_map(&space, at, 0x10000000, USER_R, ARCH_CACHE_WRITE_BACK) == TS_OK);
    }
    CHECK(hooks.tables > before + 128);
    arch_irq_disable();
    arch_space_load(&space);
    arch_irq_enable();
    while (arch_space_destroy_some(&space)) { // it is loaded here: this CPU has to leave it
    }
    CHECK(hooks.tables == before);
    CHECK(cpu_current()->arch.root == kernel_space.root);
}

// Two pages of a loaded space with a hole behind them.
static struct arch_space copy_space;

static bool copy_begin(void)
{
    bool ok = arch_space_create(&copy_space) == TS_OK;
    for (unsigned i = 0; i < 2; i++) {
        ok = ok && arch_space_map(&copy_space, AT + i * PAGE_SIZE, test_page(), USER_RW,
                                  ARCH_CACHE_WRITE_BACK) == TS_OK;
    }
    ok = ok && arch_space_map(&copy_space, AT + 4 * PAGE_SIZE, test_page(), USER_R,
                              ARCH_CACHE_WRITE_BACK) == TS_OK;
    irqflags_t flags = arch_irq_save();
    arch_space_load(&copy_space);
    arch_irq_restore(flags);
    return ok;
}

static void copy_end(void)
{
    while (arch_space_destroy_some(&copy_space)) {
    }
}

void test_copy(void)
{
    static uint8_t out[5000], in[5000];
    CHECK(copy_begin());
    for (unsigned i = 0; i < sizeof(out); i++) {
        out[i] = (uint8_t)(i * 11 + i / 256);
    }
    CHECK(copy_to_user(AT + 1234, out, sizeof(out)) == TS_OK);
    CHECK(copy_from_user(in, AT + 1234, sizeof(in)) == TS_OK);
    CHECK(!memcmp(in, out, sizeof(in)));
    CHECK(copy_from_user(in, AT, 0) == TS_OK);
    uint8_t byte;
    uint32_t word;
    uint64_t wide;
    CHECK(put_user_u64(AT, UINT64_C(0x1122334455667788)) == TS_OK);
    CHECK(get_user_u64(&wide, AT) == TS_OK && wide == UINT64_C(0x1122334455667788));
    CHECK(get_user_u32(&word, AT + 4) == TS_OK && word == 0x11223344);
    CHECK(get_user_u8(&byte, AT + 1) == TS_OK && byte == 0x77);
    CHECK(put_user_u32(AT, 1) == TS_OK && put_user_u8(AT + 1, 2) == TS_OK);
    CHECK(get_user_u32(&word, AT) == TS_OK && word == 0x201);
    CHECK(compare_exchange_user_u32(AT, 5, 9, &word) == TS_OK && word == 0x201);
    CHECK(compare_exchange_user_u32(AT, 0x201, 9, &word) == TS_OK && word == 0x201);
    CHECK(get_user_u32(&word, AT) == TS_OK && word == 9);
    copy_end();
}

void test_copy_faults(void)
{
    static uint8_t buffer[3 * 4096];
    uint8_t byte;
    uint32_t word;
    uint64_t wide;
    CHECK(copy_begin());
    for (unsigned n = 1; n < 40; n++) { // a hole behind: at every distance from it
        CHECK(copy_from_user(buffer, AT + 2 * PAGE_SIZE - n, n) == TS_OK);
        CHECK(copy_from_user(buffer, AT + 2 * PAGE_SIZE - n, n + 1) == TS_ERR_FAULT);
        CHECK(copy_to_user(AT + 2 * PAGE_SIZE - n, buffer, n + 17) == TS_ERR_FAULT);
    }
    CHECK(copy_from_user(buffer, AT, 3 * PAGE_SIZE) == TS_ERR_FAULT);
    CHECK(copy_to_user(AT + 4 * PAGE_SIZE, buffer, 1) == TS_ERR_FAULT); // read-only
    CHECK(copy_from_user(buffer, AT + 4 * PAGE_SIZE, 1) == TS_OK);
    static const vaddr_t bad[] = {0,
                                  8,
                                  ARCH_USER_END,
                                  ARCH_USER_END - 4,
                                  KERNEL_DIRECT_BASE,
                                  KERNEL_IMAGE_BASE,
                                  UINT64_C(0x0000800000000000),
                                  UINT64_MAX - 7};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(copy_from_user(buffer, bad[i], 8) == TS_ERR_FAULT);
        CHECK(copy_to_user(bad[i], buffer, 8) == TS_ERR_FAULT);
        CHECK(get_user_u64(&wide, bad[i]) == TS_ERR_FAULT);
        CHECK(put_user_u64(bad[i], 1) == TS_ERR_FAULT);
    }
    CHECK(copy_from_user(buffer, AT, UINT64_MAX) == TS_ERR_FAULT);
    CHECK(get_user_u32(&word, AT + 2) == TS_ERR_FAULT); // not aligned
    CHECK(get_user_u8(&byte, AT + 2 * PAGE_SIZE) == TS_ERR_FAULT);
    CHECK(put_user_u32(AT + 4 * PAGE_SIZE, 1) == TS_ERR_FAULT);
    CHECK(compare_exchange_user_u32(AT + 2 * PAGE_SIZE, 0, 1, &word) == TS_ERR_FAULT);
    copy_end();
}

static unsigned resolved;

static ts_status_t resolve(vaddr_t address, unsigned fault)
{
    resolved++;
    if (!arch_irq_enabled() || (fault & ARCH_FAULT_PRESENT)) {
        return TS_ERR_FAULT;
    }
    return arch_space_map(&copy_space, address & ~PAGE_MASK, test_page(), USER_RW,
                          ARCH_CACHE_WRITE_BACK);
}

void test_copy_resolved(void)
{
    static uint8_t buffer[2 * 4096];
    uint64_t wide;
    CHECK(copy_begin());
    hooks.page_fault = resolve;
    resolved = 0;
    memset(buffer, 0x5c, sizeof(buffer));
    CHECK(copy_to_user(AT + 2 * PAGE_SIZE - 100, buffer, 4096 + 200) == TS_OK && resolved == 2);
    CHECK(get_user_u64(&wide, AT + 3 * PAGE_SIZE) == TS_OK);
    CHECK(wide == UINT64_C(0x5c5c5c5c5c5c5c5c));
    // Interrupts off: nothing is resolved, and the hook is not even asked.
    irqflags_t flags = arch_irq_save();
    ts_status_t status = get_user_u64(&wide, AT + 8 * PAGE_SIZE);
    arch_irq_restore(flags);
    CHECK(status == TS_ERR_FAULT && resolved == 2);
    CHECK(get_user_u64(&wide, AT + 8 * PAGE_SIZE) == TS_OK && wide == 0 && resolved == 3);
    hooks.page_fault = NULL;
    copy_end();
}
