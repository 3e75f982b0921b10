// SPDX-License-Identifier: MIT
// See devices.h.
#include "devices.h"

#include "pair.h"
#include "tap.h"

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/resource.h>
#include <tessera/lib/thread.h>

#define FUNCTIONS   2u
#define PATIENCE_MS 10000u

static const char *const matches[FUNCTIONS] = {"1b36:0005", "1b36:0002"};
static ts_handle_t pci, functions[FUNCTIONS];

void devices_begin(void)
{
    pci = TS_HANDLE_NONE;
    if (ts_named_handle("fuzz-domain") != TS_HANDLE_NONE) {
        CHECK_OK(ts_open(ts_named_handle("control"), "pci", 0, TS_RIGHTS_SAME, &pci));
    }
}

// One that the last round had can be opened once it is quiet.
static ts_status_t function_open(const char *match, ts_handle_t *out_function)
{
    ts_status_t status = TS_ERR_BUSY;
    for (unsigned ms = 0; status == TS_ERR_BUSY && ms < PATIENCE_MS; ms++) {
        status = ts_open(pci, match, 0, TS_RIGHTS_SAME, out_function);
        if (status == TS_ERR_BUSY) {
            ts_sleep_until(in_ms(1));
        }
    }
    return status;
}

uint32_t devices_give(struct ts_spawn_handle handles[DEVICES_HANDLES])
{
    static const char *const names[] = {"physical", "interrupt", "message", "io", "domain"};
    uint32_t count = 0;
    if (pci == TS_HANDLE_NONE) {
        return 0;
    }
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        CHECK_OK(function_open(matches[i], &functions[i]));
        handles[count++] = (struct ts_spawn_handle){i == 0 ? "device" : "device2", functions[i],
                                                    TS_RIGHTS_SAME, false};
    }
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char name[32];
        ts_format(name, sizeof(name), "fuzz-%s", names[i]);
        handles[count++] =
            (struct ts_spawn_handle){names[i], ts_named_handle(name), TS_RIGHTS_SAME, false};
    }
    return count;
}

// Pins of a process that is gone wait until the next holder of the device says that it is quiet.
static void device_clear(uint64_t device)
{
    ts_handle_t domain;
    ts_status_t status = TS_ERR_BUSY; // until the end of its last handle was carried out
    for (unsigned ms = 0; status == TS_ERR_BUSY && ms < PATIENCE_MS; ms++) {
        status = ts_resource_domain(ts_named_handle("fuzz-domain"), device, &domain);
        if (status == TS_ERR_BUSY) {
            ts_sleep_until(in_ms(1));
        }
    }
    CHECK_OK(status);
    CHECK_OK(ts_domain_end(domain));
    ts_close(domain);
}

void devices_take(void)
{
    if (pci == TS_HANDLE_NONE) {
        return;
    }
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        ts_close(functions[i]);
    }
    for (uint64_t device = DEVICES_FIRST; device < DEVICES_FIRST + DEVICES_COUNT; device++) {
        device_clear(device);
    }
}
