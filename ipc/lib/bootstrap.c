// SPDX-License-Identifier: MIT
// The block comes from the creator of the process, which controls all of it anyway; it is checked
// so that a mistake there ends with a status and not with a wild read.
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/memory.h>

static const struct ts_bootstrap *bootstrap;

static bool table_fits(const struct ts_bootstrap *block, uint32_t offset, uint32_t count,
                       uint32_t entry_size)
{
    return offset <= block->size && offset % 4 == 0 && count <= (block->size - offset) / entry_size;
}

static bool string_fits(const struct ts_bootstrap *block, uint32_t offset)
{
    return offset < block->size &&
           memchr((const char *)block + offset, '\0', block->size - offset) != NULL;
}

static bool strings_fit(const struct ts_bootstrap *block, uint32_t table, uint32_t count)
{
    if (!table_fits(block, table, count, sizeof(uint32_t))) {
        return false;
    }
    const uint32_t *offsets = (const void *)((const char *)block + table);
    for (uint32_t i = 0; i < count; i++) {
        if (!string_fits(block, offsets[i])) {
            return false;
        }
    }
    return true;
}

static const struct ts_bootstrap_handle *handle_table(const struct ts_bootstrap *block)
{
    return (const void *)((const char *)block + block->handles);
}

static bool handles_fit(const struct ts_bootstrap *block)
{
    if (!table_fits(block, block->handles, block->handle_count,
                    sizeof(struct ts_bootstrap_handle))) {
        return false;
    }
    for (uint32_t i = 0; i < block->handle_count; i++) {
        if (!string_fits(block, handle_table(block)[i].name)) {
            return false;
        }
    }
    return true;
}

static ts_status_t clock_init(const struct ts_bootstrap *block)
{
    void *page = (void *)(uintptr_t)block->clock;
    ts_handle_t memory = ts_named_handle(TS_NAME_CLOCK);
    if (page == NULL && memory) {
        ts_status_t status = ts_memory_map(memory, NULL, TS_PAGE_SIZE, 0, TS_MAP_READ, &page);
        if (status != TS_OK) {
            return status;
        }
    }
    if (page != NULL && ((struct ts_clock *)page)->version != TS_CLOCK_VERSION) {
        return TS_ERR_VERSION;
    }
    ts_clock_use(page);
    return TS_OK;
}

ts_status_t ts_bootstrap_init(const struct ts_bootstrap *block)
{
    if (block == NULL || block->version != TS_BOOTSTRAP_VERSION) {
        return TS_ERR_VERSION;
    }
    if (block->size < sizeof(*block) ||
        !strings_fit(block, block->arguments, block->argument_count) ||
        !strings_fit(block, block->environment, block->environment_count) || !handles_fit(block)) {
        return TS_ERR_CORRUPT;
    }
    bootstrap = block;
    return clock_init(block);
}

const struct ts_bootstrap *ts_bootstrap_block(void)
{
    return bootstrap;
}

bool ts_named_handle_at(uint32_t index, const char **out_name, ts_handle_t *out_handle)
{
    if (bootstrap == NULL || index >= bootstrap->handle_count) {
        return false;
    }
    *out_name = (const char *)bootstrap + handle_table(bootstrap)[index].name;
    *out_handle = handle_table(bootstrap)[index].handle;
    return true;
}

ts_handle_t ts_named_handle(const char *name)
{
    const char *candidate;
    ts_handle_t handle;
    for (uint32_t i = 0; ts_named_handle_at(i, &candidate, &handle); i++) {
        if (strcmp(candidate, name) == 0) {
            return handle;
        }
    }
    return TS_HANDLE_NONE;
}

static const char *string_at(uint32_t table, uint32_t count, uint32_t index)
{
    if (index >= count) {
        return NULL;
    }
    const uint32_t *offsets = (const void *)((const char *)bootstrap + table);
    return (const char *)bootstrap + offsets[index];
}

uint32_t ts_argument_count(void)
{
    return bootstrap != NULL ? bootstrap->argument_count : 0;
}

const char *ts_argument(uint32_t index)
{
    return string_at(bootstrap != NULL ? bootstrap->arguments : 0, ts_argument_count(), index);
}

const char *ts_environment(uint32_t index)
{
    return bootstrap != NULL
               ? string_at(bootstrap->environment, bootstrap->environment_count, index)
               : NULL;
}

const char *ts_environment_get(const char *name)
{
    size_t length = strlen(name);
    for (uint32_t i = 0;; i++) {
        const char *line = ts_environment(i);
        if (line == NULL) {
            return NULL;
        }
        if (strncmp(line, name, length) == 0 && line[length] == '=') {
            return line + length + 1;
        }
    }
}
