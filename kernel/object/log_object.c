// SPDX-License-Identifier: MIT
// The log as an object. See log_object.h.
//
// READABLE is set when lines come and cleared by a read that reaches the end, so it serves one
// reader that waits (the log's service); others read from time to time.
#include <log.h>
#include <object/caller.h>
#include <object/log_object.h>
#include <object/transfer.h>
#include <sched/deferred.h>
#include <tessera/abi/object.h>
#include <tessera/abi/signal.h>

#define READ_PIECE 512u
#define LINE_MAX   240u

static struct object log_object;
static _Atomic bool news; // some CPU has it marked

// Any context, any lock held: only a mark, and this CPU looks at it soon.
static void log_listener(void)
{
    if (!atomic_exchange_explicit(&news, true, memory_order_relaxed)) {
        deferred_mark();
    }
}

static void tell(void)
{
    atomic_store_explicit(&news, false, memory_order_relaxed);
    object_signal(&log_object, 0, TS_SIGNAL_READABLE, 0);
}

static ts_status_t log_object_read(struct operation *operation)
{
    struct transfer transfer;
    uint64_t cursor = operation->offset;
    bool end = false;
    ts_status_t status = transfer_init(&transfer, operation);
    while (status == TS_OK && !end && transfer_left(&transfer) > 0) {
        char piece[READ_PIECE];
        size_t left = transfer_left(&transfer);
        size_t length = log_read(&cursor, piece, left < READ_PIECE ? left : READ_PIECE);
        end = length == 0;
        status = transfer_to_user(&transfer, piece, length);
    }
    operation->value = transfer.done;
    operation->extra = cursor;
    if (end) {
        object_signal(&log_object, TS_SIGNAL_READABLE, 0, 0);
        if (log_end() != cursor) { // a line came before the clearing
            object_signal(&log_object, 0, TS_SIGNAL_READABLE, 0);
        }
    }
    return status;
}

// Appends the whole lines of a text and moves what follows the last newline to its beginning;
// returns the length of that.
static size_t append_lines(char *text, size_t length)
{
    size_t start = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '\n') {
            continue;
        }
        if (i > start) {
            log_append(caller_name(), text + start, i - start);
        }
        start = i + 1;
    }
    for (size_t i = start; start != 0 && i < length; i++) {
        text[i - start] = text[i];
    }
    return length - start;
}

static ts_status_t log_object_write(struct operation *operation)
{
    struct transfer transfer;
    char line[LINE_MAX]; // longer lines continue on the next
    size_t used = 0;
    ts_status_t status = transfer_init(&transfer, operation);
    while (status == TS_OK && transfer_left(&transfer) > 0) {
        size_t left = transfer_left(&transfer), room = LINE_MAX - used;
        size_t length = left < room ? left : room;
        status = transfer_from_user(&transfer, line + used, length);
        if (status == TS_OK) {
            used = append_lines(line, used + length);
        }
        if (used == LINE_MAX || (used > 0 && (status != TS_OK || transfer_left(&transfer) == 0))) {
            log_append(caller_name(), line, used);
            used = 0;
        }
    }
    operation->value = transfer.done;
    return status;
}

static ts_status_t log_object_call(const struct operation *operation)
{
    struct ts_call call;
    ts_status_t status = operation_call(operation, &call);
    if (status != TS_OK) {
        return status;
    }
    if (call.method != TS_LOG_RELEASE_SERIAL && call.method != TS_LOG_RELEASE_SCREEN) {
        return TS_ERR_UNSUPPORTED;
    }
    if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0) {
        return TS_ERR_RIGHTS;
    }
    return call.method == TS_LOG_RELEASE_SERIAL ? log_serial_release() : log_screen_release();
}

static ts_status_t log_operate(struct object *object, struct operation *operation)
{
    (void)object;
    switch (operation->op) {
    case TS_OP_READ: return log_object_read(operation);
    case TS_OP_WRITE: return log_object_write(operation);
    case TS_OP_GET:
        return operation->arg == TS_PROPERTY_SIZE ? operation_get_u64(operation, log_end())
                                                  : TS_ERR_UNSUPPORTED;
    case TS_OP_CALL: return log_object_call(operation);
    default: return TS_ERR_UNSUPPORTED;
    }
}

// Never destroyed: log_object_init() keeps its reference.
static const struct object_class log_class = {
    .kind = TS_KIND_LOG,
    .name = "log",
    .rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_CALL | TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE |
              TS_RIGHT_TRANSFER | TS_RIGHT_MANAGE,
    .operate = log_operate,
};

struct object *log_object_get(void)
{
    object_get(&log_object);
    return &log_object;
}

void log_object_init(void)
{
    object_init(&log_object, &log_class);
    atomic_store(&log_object.signals, TS_SIGNAL_READABLE | TS_SIGNAL_WRITABLE);
    deferred_set(tell);
    log_set_listener(log_listener);
}
