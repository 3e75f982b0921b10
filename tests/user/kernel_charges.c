// SPDX-License-Identifier: MIT
// What the pages in use are used for (docs/invariants.md, M10). That a job gets no more than it may
// have is looked at by tests/user/bombs.
#include "lib/objects.h"
#include "lib/tap.h"

#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>

#define PAGE 4096u

static void rule_m10_the_pages_in_use_are_explained(void)
{
    static ts_handle_t handles[256];
    CHECK(pages_are_explained());
    for (unsigned i = 0; i < 256; i++) {
        CHECK_OK(i % 2 == 0 ? ts_memory_create(PAGE * i + PAGE, 0, &handles[i])
                            : ts_event_create(0, &handles[i]));
    }
    for (unsigned i = 0; i < 256; i += 2) {
        CHECK_OK(ts_memory_commit(handles[i], 0, PAGE * (i % 16)));
    }
    CHECK(pages_are_explained());
    for (unsigned i = 0; i < 256; i++) {
        ts_close(handles[i]);
    }
    CHECK(pages_are_explained());
}

int main(void)
{
    static const struct tap_test tests[] = {TAP(rule_m10_the_pages_in_use_are_explained)};
    return TAP_RUN(tests);
}
