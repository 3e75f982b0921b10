// SPDX-License-Identifier: MIT
#include "client.h"

#include <string.h>

#include "tests/host/check.h"

struct tree tree;
struct memfs_root root = {.object.operations = &memfs_root_operations, .tree = &tree};
struct ts_local local;

struct ts_local_result ask(struct ts_object *object, struct ts_local_op op)
{
    struct ts_local_result result = {0};
    op.rights = op.rights ? op.rights : TS_RIGHTS_ALL;
    result.status = ts_local_call(&local, object, &op, &result);
    return result;
}

ts_status_t open_path(struct ts_object *from, const char *path, unsigned flags,
                      struct ts_object **out)
{
    struct ts_local_result r = ask(from, (struct ts_local_op){.op = TS_OP_OPEN,
                                                              .in = path,
                                                              .in_length = (uint32_t)strlen(path),
                                                              .arg = ts_open_arg(flags, 0)});
    *out = r.object;
    return r.status;
}

ts_status_t with_path(struct ts_object *from, enum ts_operation op, const char *path, unsigned kind)
{
    struct ts_local_result r = ask(from, (struct ts_local_op){.op = op,
                                                              .in = path,
                                                              .in_length = (uint32_t)strlen(path),
                                                              .arg = ts_open_arg(0, kind)});
    if (r.status == TS_OK && r.object != NULL) {
        ts_local_close(r.object);
    }
    return r.status;
}

int64_t move(struct ts_object *file, enum ts_operation op, void *bytes, uint32_t length,
             uint64_t offset, unsigned flags)
{
    struct ts_local_op request = {.op = op, .offset = offset, .flags = (uint8_t)flags};
    if (op == TS_OP_READ) {
        request.out = bytes;
        request.out_length = length;
    } else {
        request.in = bytes;
        request.in_length = length;
    }
    struct ts_local_result r = ask(file, request);
    return r.status == TS_OK ? (int64_t)r.value : r.status;
}

ts_status_t set_number(struct ts_object *file, unsigned property, uint64_t value)
{
    return ask(file,
               (struct ts_local_op){
                   .op = TS_OP_SET, .in = &value, .in_length = sizeof(value), .arg = property})
        .status;
}

uint64_t get_number(struct ts_object *file, unsigned property)
{
    uint64_t value = 0;
    struct ts_local_op op = {
        .op = TS_OP_GET, .out = &value, .out_length = sizeof(value), .arg = property};
    CHECK_EQUAL(ask(file, op).status, TS_OK);
    return value;
}

ts_status_t two_names(struct ts_object *from, enum ts_operation op, const char *names,
                      size_t length, unsigned flags)
{
    return ask(from,
               (struct ts_local_op){
                   .op = op, .in = names, .in_length = (uint32_t)length, .arg = flags})
        .status;
}

ts_status_t rename_path(struct ts_object *from, const char *names, size_t length, unsigned flags)
{
    return two_names(from, TS_OP_RENAME, names, length, flags);
}

ts_status_t link_path(struct ts_object *from, const char *names, size_t length)
{
    return two_names(from, TS_OP_LINK, names, length, 0);
}

struct ts_attributes attributes_of(struct ts_object *from, const char *path)
{
    struct ts_attributes attributes = {0};
    struct ts_object *file;
    CHECK_EQUAL(open_path(from, path, 0, &file), TS_OK);
    struct ts_local_op op = {.op = TS_OP_GET,
                             .out = &attributes,
                             .out_length = sizeof(attributes),
                             .arg = TS_PROPERTY_ATTRIBUTES};
    CHECK_EQUAL(ask(file, op).status, TS_OK);
    ts_local_close(file);
    return attributes;
}

uint64_t pages_of(uint32_t client)
{
    return ts_share_of(&tree.store.share, client);
}
