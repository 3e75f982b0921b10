// SPDX-License-Identifier: MIT
// I/O ranges. See io_range.h.
#include <arch/io_space.h>
#include <object/body.h>
#include <object/device.h>
#include <object/io_range.h>
#include <object/transfer.h>
#include <string.h>
#include <tessera/abi/object.h>

#define STRING_PIECE 256u // bytes between two copies
#define STRING_MAX   65536u

struct io_range {
    struct object object;
    uint32_t base, count;
    struct device *device; // a use, or NULL
};

static struct io_range *io_range_of(struct object *object)
{
    return list_entry(object, struct io_range, object);
}

// Whether an access lies inside.
static ts_status_t check(const struct io_range *range, uint64_t port, uint64_t width)
{
    if (width != 1 && width != 2 && width != 4) {
        return TS_ERR_ARGUMENT;
    }
    return port < range->count && width <= range->count - port ? TS_OK : TS_ERR_RANGE;
}

static ts_status_t io_read(const struct io_range *range, struct operation *operation)
{
    struct transfer transfer;
    uint32_t value = 0;
    ts_status_t status = transfer_init(&transfer, operation);
    if (status == TS_OK) {
        status = check(range, operation->offset, transfer.total);
    }
    if (status == TS_OK) {
        status = arch_io_read(range->base + (uint32_t)operation->offset, (unsigned)transfer.total,
                              &value);
    }
    if (status == TS_OK) {
        status = transfer_to_user(&transfer, &value, transfer.total); // little-endian
    }
    operation->value = transfer.done;
    return status;
}

static ts_status_t io_write(const struct io_range *range, struct operation *operation)
{
    struct transfer transfer;
    uint32_t value = 0;
    ts_status_t status = transfer_init(&transfer, operation);
    if (status == TS_OK) {
        status = check(range, operation->offset, transfer.total);
    }
    if (status == TS_OK) {
        status = transfer_from_user(&transfer, &value, transfer.total);
    }
    if (status == TS_OK) {
        status = arch_io_write(range->base + (uint32_t)operation->offset, (unsigned)transfer.total,
                               value);
    }
    operation->value = transfer.done;
    return status;
}

static ts_status_t string_read(uint32_t port, unsigned width, uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i += width) {
        uint32_t value;
        ts_status_t status = arch_io_read(port, width, &value);
        if (status != TS_OK) {
            return status;
        }
        memcpy(bytes + i, &value, width);
    }
    return TS_OK;
}

static ts_status_t string_write(uint32_t port, unsigned width, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i += width) {
        uint32_t value = 0;
        memcpy(&value, bytes + i, width);
        ts_status_t status = arch_io_write(port, width, value);
        if (status != TS_OK) {
            return status;
        }
    }
    return TS_OK;
}

// The bytes of a string, piece by piece, preemptible.
static ts_status_t string_move(const struct ts_io_string *string, uint32_t port,
                               struct transfer *transfer)
{
    ts_status_t status = TS_OK;
    while (status == TS_OK && transfer_left(transfer) > 0) {
        uint8_t piece[STRING_PIECE];
        size_t left = transfer_left(transfer);
        size_t length = left < STRING_PIECE ? left : STRING_PIECE;
        if (string->write) {
            status = transfer_from_user(transfer, piece, length);
            if (status == TS_OK) {
                status = string_write(port, string->width, piece, length);
            }
        } else {
            status = string_read(port, string->width, piece, length);
            if (status == TS_OK) {
                status = transfer_to_user(transfer, piece, length);
            }
        }
    }
    return status;
}

static ts_status_t io_string(const struct io_range *range, struct operation *operation)
{
    struct ts_call call;
    struct ts_io_string string;
    struct transfer transfer;
    ts_status_t status = operation_call(operation, &call);
    if (status != TS_OK) {
        return status;
    }
    if (call.method != TS_IO_STRING) {
        return TS_ERR_UNSUPPORTED;
    }
    uint32_t in = call.in_length;
    call.in_length = sizeof(string);
    status = in < sizeof(string) ? TS_ERR_ARGUMENT : call_read(&call, &string, sizeof(string));
    if (status == TS_OK) {
        status = check(range, string.port, string.width);
    }
    if (status != TS_OK) {
        return status;
    }
    if (string.write > 1 || string.count > STRING_MAX / string.width) {
        return TS_ERR_ARGUMENT;
    }
    ts_rights_t right = string.write ? TS_RIGHT_WRITE : TS_RIGHT_READ;
    if ((operation->handle_rights & right) == 0) {
        return TS_ERR_RIGHTS;
    }
    uint32_t length = string.count * string.width;
    if (length > (string.write ? in - sizeof(string) : call.out_length)) {
        return TS_ERR_ARGUMENT;
    }
    status = transfer_init_range(
        &transfer, string.write ? call.in_address + sizeof(string) : call.out_address, length);
    if (status == TS_OK) {
        status = string_move(&string, range->base + string.port, &transfer);
    }
    operation->value = transfer.done;
    return status;
}

static ts_status_t io_range_operate(struct object *object, struct operation *operation)
{
    const struct io_range *range = io_range_of(object);
    switch (operation->op) {
    case TS_OP_READ: return io_read(range, operation);
    case TS_OP_WRITE: return io_write(range, operation);
    case TS_OP_CALL: return io_string(range, operation);
    case TS_OP_GET:
        return operation->arg == TS_PROPERTY_SIZE ? operation_get_u64(operation, range->count)
                                                  : TS_ERR_UNSUPPORTED;
    default: return TS_ERR_UNSUPPORTED;
    }
}

static void io_range_destroy(struct object *object)
{
    device_unuse(io_range_of(object)->device);
    body_destroy(object, sizeof(struct io_range));
}

const struct object_class io_range_class = {
    .kind = TS_KIND_IO_RANGE,
    .name = "I/O range",
    .rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_CALL | TS_RIGHT_DUPLICATE |
              TS_RIGHT_TRANSFER | TS_RIGHT_MANAGE,
    .destroy = io_range_destroy,
    .operate = io_range_operate,
};

ts_status_t io_range_create(struct account *account, uint32_t base, uint32_t count,
                            struct device *device, struct object **out_range)
{
    ts_status_t status;
    struct io_range *range = body_create(account, sizeof(*range), &io_range_class, &status);
    if (range == NULL) {
        return status;
    }
    range->base = base;
    range->count = count;
    range->device = device_use(device);
    *out_range = &range->object;
    return TS_OK;
}
