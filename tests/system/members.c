// SPDX-License-Identifier: MIT
// members: tries what a class (the named handle "nics") leads to, and prints one line for each.
// Built by the tests with the SDK, added to their image.
#include <stdio.h>
#include <string.h>
#include <tessera/abi/signal.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/op.h>
#include <tessera/lib/status.h>
#include <tessera/proto/frame.h>

static ts_handle_t nics;

static void tell(const char *what, ts_status_t status)
{
    printf("%s: %s\n", what, ts_status_name(status));
}

static void list(void)
{
    static _Alignas(8) char buffer[1024];
    size_t bytes = 0, position = 0;
    const struct ts_file_entry *entry;
    ts_status_t status = ts_list(nics, buffer, sizeof(buffer), 0, &bytes);
    while (status == TS_OK &&
           (entry = ts_listing_next(buffer, bytes, &position, &status)) != NULL) {
        printf("listed: %.*s\n", (int)entry->name_length, entry->name);
    }
    if (status != TS_OK) {
        tell("list", status);
    }
}

static void open_member(const char *name)
{
    char what[64];
    ts_handle_t session;
    snprintf(what, sizeof(what), "open %s", name);
    ts_status_t status = ts_open(nics, name, 0, TS_RIGHT_OPEN, &session);
    tell(what, status);
    if (status == TS_OK) {
        ts_close(session);
    }
}

static void use_member(void)
{
    struct ts_frame_attach attach = {.version = TS_FRAME_VERSION};
    ts_handle_t session;
    ts_rights_t got = 0;
    const ts_rights_t rights = TS_RIGHT_CALL | TS_RIGHT_OPEN;
    ts_status_t status =
        ts_open(nics, "virtio-net:0", 0, rights | TS_RIGHT_MANAGE | TS_RIGHT_SHARE, &session);
    if (status == TS_OK) {
        status = ts_rights(session, &got);
        printf("its manage: %s\n", (got & (TS_RIGHT_MANAGE | TS_RIGHT_SHARE)) == 0 ? "no" : "yes");
    }
    if (status == TS_OK) {
        status = ts_call_bytes(session, TS_FRAME_ATTACH, &attach, sizeof(attach), NULL, 0, NULL);
    }
    tell("attach beside netd", status);
}

int main(void)
{
    static const char *const others[] = {"virtio-net",      "virtio-net:1", "virtio-net:0/x",
                                         "../virtio-net:0", "pci",          "netd"};
    static char name[301];
    static char buffer[64];
    size_t bytes = 0;
    uint64_t signals = 0;
    nics = ts_named_handle("nics");
    list();
    ts_status_t status = ts_get_u64(nics, TS_PROPERTY_SIGNALS, &signals);
    printf("changed: %s\n", status == TS_OK && (signals & TS_SIGNAL_READABLE) == 0 ? "no" : "yes");
    open_member("virtio-net:0");
    use_member();
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        open_member(others[i]);
    }
    memset(name, 'x', sizeof(name) - 1);
    tell("open (300 bytes)", ts_open(nics, name, 0, TS_RIGHT_OPEN, &nics));
    status = ts_list(nics, buffer, sizeof(buffer), UINT64_MAX, &bytes);
    printf("list from the end: %s %zu\n", ts_status_name(status), bytes);
    return 0;
}
