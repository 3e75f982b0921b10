// SPDX-License-Identifier: MIT
// What an instance leaves to the next: what is in force, whenever it dies; of damaged memory
// nothing.
#include <string.h>

#include <tessera/abi/status.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/memory.h>

#include "config_remains.h"
#include "tests/host/check.h"

#define SIZE ((uint64_t)17 * 4096) // as in the image's init.conf

static uint64_t memory[SIZE / 8];
static uint64_t size = SIZE;
static char name[CONFIG_NAME], text[CONFIG_BYTES];

ts_handle_t ts_named_handle(const char *wanted)
{
    return strcmp(wanted, "remains") == 0 ? 1 : TS_HANDLE_NONE;
}

ts_status_t ts_get_u64(ts_handle_t handle, unsigned property, uint64_t *out_value)
{
    *out_value = size;
    return handle == 1 && property == TS_PROPERTY_SIZE ? TS_OK : TS_ERR_HANDLE;
}

ts_status_t ts_memory_map(ts_handle_t handle, void *address, size_t length, uint64_t offset,
                          unsigned flags, void **out_address)
{
    CHECK(handle == 1 && address == NULL && length == size && offset == 0);
    CHECK_EQUAL(flags, TS_MAP_READ | TS_MAP_WRITE);
    *out_address = memory;
    return TS_OK;
}

static void note(const char *what)
{
    char called[CONFIG_NAME] = "/etc/x";
    config_remains_note(called, what, strlen(what));
}

// What the next instance finds.
static void expect(const char *what)
{
    size_t length;
    bool found = config_remains_get(text, &length, name);
    CHECK(found == (what != NULL));
    if (found) {
        CHECK(length == strlen(what) && memcmp(text, what, length) == 0);
        CHECK(strcmp(name, "/etc/x") == 0);
    }
}

static void test_life(void)
{
    expect(NULL);
    note("one");
    expect(NULL); // it died before this came into force, or it was refused
    config_remains_keep();
    expect("one");
    note("two");
    expect("one");
    note("three");
    config_remains_keep();
    expect("three");
    note("");
    config_remains_keep();
    expect("");
    config_remains_forget();
    expect(NULL);
    static char most[CONFIG_BYTES + 1];
    memset(most, 'a', CONFIG_BYTES);
    note(most);
    config_remains_keep();
    expect(most);
}

static void test_damage(void)
{
    static const char what[] = "listing on\n";
    const size_t place = 8 + CONFIG_NAME + CONFIG_BYTES, used = 8 + CONFIG_NAME + sizeof(what) - 1;
    size_t length;
    note(what);
    config_remains_keep();
    uint8_t *bytes = (uint8_t *)memory + 8 + (((uint32_t *)memory)[0] - 1) * place;
    for (size_t i = 0; i < used; i++) { // each byte matters
        uint8_t before = bytes[i];
        bytes[i] ^= (uint8_t)(1 + random_below(255));
        CHECK(!config_remains_get(text, &length, name));
        bytes[i] = before;
        expect(what);
    }
    for (unsigned round = 0; round < 200; round++) { // anything at all
        for (unsigned i = 0; i < SIZE / 8; i++) {
            memory[i] = random_next();
        }
        ((uint32_t *)memory)[0] = (uint32_t)random_below(3);
        CHECK(!config_remains_get(text, &length, name));
    }
}

int main(void)
{
    size_t length;
    size = 4096;
    config_remains_init(); // too small: nothing is kept, and nothing breaks
    note("one");
    config_remains_keep();
    CHECK(!config_remains_get(text, &length, name));
    size = SIZE;
    config_remains_init();
    test_life();
    test_damage();
    return 0;
}
