// SPDX-License-Identifier: MIT
// See transfer.h.
#include <arch/space.h>
#include <arch/user.h>
#include <object/transfer.h>
#include <sched/sched.h>
#include <string.h>

static ts_status_t transfer_check(struct transfer *transfer)
{
    transfer->index = 0;
    transfer->total = transfer->done = 0;
    for (uint32_t i = 0; i < transfer->count; i++) {
        const struct ts_segment *segment = &transfer->segment[i];
        if (segment->length > TS_LENGTH_MAX - transfer->total) {
            return TS_ERR_ARGUMENT;
        }
        if (segment->length != 0 && !arch_user_range_ok(segment->address, segment->length)) {
            return TS_ERR_FAULT;
        }
        transfer->total += segment->length;
    }
    return TS_OK;
}

ts_status_t transfer_init_range(struct transfer *transfer, uint64_t address, uint64_t length)
{
    transfer->segment[0] = (struct ts_segment){.address = address, .length = length};
    transfer->count = 1;
    return transfer_check(transfer);
}

ts_status_t transfer_init(struct transfer *transfer, const struct operation *operation)
{
    if ((operation->flags & TS_FLAG_VECTOR) == 0) {
        return transfer_init_range(transfer, operation->address, operation->length);
    }
    if (operation->length > TS_SEGMENTS_MAX) {
        return TS_ERR_ARGUMENT;
    }
    transfer->count = operation->length;
    ts_status_t status = copy_from_user(transfer->segment, operation->address,
                                        transfer->count * sizeof(struct ts_segment));
    return status == TS_OK ? transfer_check(transfer) : status;
}

// The next piece of at most `length` bytes; transfer_moved() takes it off.
static struct ts_segment transfer_piece(struct transfer *transfer, size_t length)
{
    while (transfer->segment[transfer->index].length == 0) {
        transfer->index++;
    }
    struct ts_segment piece = transfer->segment[transfer->index];
    piece.length = piece.length < length ? piece.length : length;
    return piece;
}

static void transfer_moved(struct transfer *transfer, uint64_t length)
{
    struct ts_segment *segment = &transfer->segment[transfer->index];
    segment->address += length;
    segment->length -= length;
    transfer->done += length;
}

ts_status_t transfer_to_user(struct transfer *transfer, const void *from, size_t length)
{
    while (length > 0) {
        struct ts_segment piece = transfer_piece(transfer, length);
        ts_status_t status = thread_is_stopping() ? TS_ERR_INTERRUPTED
                                                  : copy_to_user(piece.address, from, piece.length);
        if (status != TS_OK) {
            return status;
        }
        transfer_moved(transfer, piece.length);
        from = (const char *)from + piece.length;
        length -= piece.length;
    }
    return TS_OK;
}

ts_status_t transfer_from_user(struct transfer *transfer, void *to, size_t length)
{
    while (length > 0) {
        struct ts_segment piece = transfer_piece(transfer, length);
        ts_status_t status = thread_is_stopping() ? TS_ERR_INTERRUPTED
                                                  : copy_from_user(to, piece.address, piece.length);
        if (status != TS_OK) {
            return status;
        }
        transfer_moved(transfer, piece.length);
        to = (char *)to + piece.length;
        length -= piece.length;
    }
    return TS_OK;
}

ts_status_t operation_get(struct operation *operation, const void *value, size_t length)
{
    size_t room = operation->length < length ? operation->length : length;
    operation->value = room;
    return copy_to_user(operation->address, value, room);
}

ts_status_t operation_get_u64(struct operation *operation, uint64_t value)
{
    return operation_get(operation, &value, sizeof(value));
}

ts_status_t operation_set(const struct operation *operation, void *out_value, size_t length)
{
    if (operation->length != length) {
        return TS_ERR_ARGUMENT;
    }
    return copy_from_user(out_value, operation->address, length);
}

ts_status_t operation_call(const struct operation *operation, struct ts_call *out_call)
{
    if (operation->length != sizeof(*out_call)) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = copy_from_user(out_call, operation->address, sizeof(*out_call));
    if (status != TS_OK) {
        return status;
    }
    return out_call->in_handles != 0 || out_call->reserved != 0 ? TS_ERR_ARGUMENT : TS_OK;
}

ts_status_t call_read(const struct ts_call *call, void *out_value, size_t length)
{
    if (call->in_length != length) {
        return TS_ERR_ARGUMENT;
    }
    return copy_from_user(out_value, call->in_address, length);
}

ts_status_t call_write(const struct ts_call *call, const void *value, size_t length)
{
    if (call->out_length < length) {
        return TS_ERR_ARGUMENT;
    }
    return copy_to_user(call->out_address, value, length);
}
