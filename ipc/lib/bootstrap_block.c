// SPDX-License-Identifier: MIT
#include "bootstrap_block.h"
#include <string.h>

// Beside those listed: process, clock, job.
#define OWN_HANDLES      3u
#define OWN_NAMES_LENGTH (sizeof(TS_NAME_PROCESS) + sizeof(TS_NAME_CLOCK) + sizeof(TS_NAME_JOB))

static const char *const *arguments_of(const struct ts_spawn *spawn, const char *defaults[2])
{
    defaults[0] = spawn->name;
    defaults[1] = NULL;
    return spawn->arguments != NULL ? spawn->arguments : defaults;
}

static uint32_t count_strings(const char *const *strings, uint64_t *inout_bytes)
{
    uint32_t count = 0;
    for (; strings != NULL && strings[count] != NULL; count++) {
        *inout_bytes += strlen(strings[count]) + 1;
    }
    return count;
}

uint64_t ts_block_size(const struct ts_spawn *spawn)
{
    const char *defaults[2];
    uint64_t bytes = sizeof(struct ts_bootstrap) + OWN_NAMES_LENGTH;
    uint64_t count = count_strings(arguments_of(spawn, defaults), &bytes);
    count += count_strings(spawn->environment, &bytes);
    for (uint32_t i = 0; i < spawn->handle_count; i++) {
        bytes += strlen(spawn->handles[i].name) + 1;
    }
    return bytes + count * sizeof(uint32_t) +
           (spawn->handle_count + OWN_HANDLES) * sizeof(struct ts_bootstrap_handle);
}

ts_status_t ts_block_begin(struct ts_block_writer *writer, const struct ts_spawn *spawn)
{
    const char *defaults[2];
    uint64_t size = ts_block_size(spawn), ignored = 0;
    if (size > writer->capacity) {
        return TS_ERR_TOO_LARGE;
    }
    struct ts_bootstrap *block = writer->block;
    block->version = TS_BOOTSTRAP_VERSION;
    block->size = (uint32_t)size;
    block->argument_count = count_strings(arguments_of(spawn, defaults), &ignored);
    block->environment_count = count_strings(spawn->environment, &ignored);
    block->handles = sizeof(*block);
    block->arguments = block->handles + (spawn->handle_count + OWN_HANDLES) *
                                            (uint32_t)sizeof(struct ts_bootstrap_handle);
    block->environment = block->arguments + block->argument_count * (uint32_t)sizeof(uint32_t);
    writer->strings = block->environment + block->environment_count * (uint32_t)sizeof(uint32_t);
    return TS_OK;
}

static uint32_t add_string(struct ts_block_writer *writer, const char *string)
{
    uint32_t offset = writer->strings;
    size_t size = strlen(string) + 1;
    memcpy((char *)writer->block + offset, string, size);
    writer->strings += (uint32_t)size;
    return offset;
}

void ts_block_handle(struct ts_block_writer *writer, const char *name, ts_handle_t handle)
{
    struct ts_bootstrap *block = writer->block;
    struct ts_bootstrap_handle *table = (void *)((char *)block + block->handles);
    table[block->handle_count++] =
        (struct ts_bootstrap_handle){.name = add_string(writer, name), .handle = handle};
}

static void add_strings(struct ts_block_writer *writer, uint32_t table, const char *const *strings)
{
    uint32_t *offsets = (void *)((char *)writer->block + table);
    for (uint32_t i = 0; strings != NULL && strings[i] != NULL; i++) {
        offsets[i] = add_string(writer, strings[i]);
    }
}

void ts_block_strings(struct ts_block_writer *writer, const struct ts_spawn *spawn)
{
    const char *defaults[2];
    add_strings(writer, writer->block->arguments, arguments_of(spawn, defaults));
    add_strings(writer, writer->block->environment, spawn->environment);
}
