// SPDX-License-Identifier: MIT
// System resources. See resource.h. Every number a caller gives is checked against the range of the
// resource before anything is made of it, and what belongs to the kernel itself is refused.
#include <arch/interrupt.h>
#include <arch/io_space.h>
#include <arch/memory.h>
#include <arch/power.h>
#include <core/handle_table.h>
#include <log.h>
#include <mm/page.h>
#include <object/body.h>
#include <object/caller.h>
#include <object/clock.h>
#include <object/device.h>
#include <object/domain.h>
#include <object/interrupt.h>
#include <object/io_range.h>
#include <object/memory.h>
#include <object/resource.h>
#include <object/transfer.h>

#define PHYSICAL_END  (UINT64_C(1) << 52)
#define MESSAGE_FIRST (UINT64_C(1) << 16) // numbers of interrupts from here on are messages
#define DEVICES       (UINT64_C(1) << 32)

static const struct object_class resource_class;

struct resource {
    struct object object;
    enum ts_resource_kind kind;
    uint64_t base, length;
    struct device *device; // whose all is that is made of it; a use. NULL: no device's
};

static struct resource *resource_of(struct object *object)
{
    return list_entry(object, struct resource, object);
}

static bool contains(const struct resource *resource, uint64_t base, uint64_t length)
{
    return length != 0 && base >= resource->base && base - resource->base < resource->length &&
           length <= resource->length - (base - resource->base);
}

static struct resource *resource_make(struct account *account, enum ts_resource_kind kind,
                                      uint64_t base, uint64_t length, struct device *device,
                                      ts_status_t *out_status)
{
    struct resource *resource =
        body_create(account, sizeof(*resource), &resource_class, out_status);
    if (resource == NULL) {
        return NULL;
    }
    resource->kind = kind;
    resource->base = base;
    resource->length = length;
    resource->device = device_use(device);
    return resource;
}

// Makes a fresh object the operation's result.
static ts_status_t give(struct operation *operation, struct object *object, ts_rights_t rights)
{
    operation->result = object_handle_get(object, rights);
    object_put(object);
    return TS_OK;
}

static ts_status_t part_make(const struct resource *resource, uint64_t base, uint64_t length,
                             struct device *device, struct operation *operation)
{
    ts_status_t status;
    struct resource *part =
        resource_make(caller_account(), resource->kind, base, length, device, &status);
    return part == NULL ? status : give(operation, &part->object, operation->handle_rights);
}

static ts_status_t derive(const struct resource *resource, const struct ts_call *call,
                          struct operation *operation)
{
    struct ts_resource_range range;
    ts_status_t status = call_read(call, &range, sizeof(range));
    if (status != TS_OK) {
        return status;
    }
    if (!contains(resource, range.base, range.length)) {
        return TS_ERR_RANGE;
    }
    return part_make(resource, range.base, range.length, resource->device, operation);
}

// The device that a domain of the caller's has, with a use of it.
static ts_status_t device_named(ts_handle_t handle, struct device **out_device)
{
    struct handle domain;
    ts_status_t status = handle_get(caller_handles(), handle, TS_RIGHT_MANAGE, &domain);
    if (status != TS_OK) {
        return status;
    }
    status = domain_use(domain.object, out_device);
    object_put(domain.object);
    return status;
}

static ts_status_t bind(const struct resource *resource, const struct ts_call *call,
                        struct operation *operation)
{
    struct ts_resource_binding binding;
    struct device *device;
    if (resource->kind == TS_RESOURCE_DOMAIN || resource->kind == TS_RESOURCE_SYSTEM) {
        return TS_ERR_UNSUPPORTED;
    }
    ts_status_t status = call_read(call, &binding, sizeof(binding));
    if (status != TS_OK) {
        return status;
    }
    if (binding.reserved != 0) {
        return TS_ERR_ARGUMENT;
    }
    if (!contains(resource, binding.base, binding.length)) {
        return TS_ERR_RANGE;
    }
    if (resource->device != NULL) {
        return TS_ERR_RIGHTS; // it would be one device's and made of another's
    }
    status = device_named(binding.domain, &device);
    if (status != TS_OK) {
        return status;
    }
    status = part_make(resource, binding.base, binding.length, device, operation);
    device_unuse(device);
    return status;
}

static ts_status_t make_memory(const struct resource *resource, const struct ts_call *call,
                               struct operation *operation)
{
    struct ts_resource_memory range;
    ts_status_t status = call_read(call, &range, sizeof(range));
    if (status != TS_OK) {
        return status;
    }
    if (((range.base | range.length) & PAGE_MASK) != 0 || range.reserved != 0 ||
        range.cache > TS_CACHE_WRITE_COMBINE) {
        return TS_ERR_ARGUMENT;
    }
    if (!contains(resource, range.base, range.length)) {
        return TS_ERR_RANGE;
    }
    if (page_range_is_ram(range.base, range.length) ||
        arch_range_is_private(range.base, range.length)) {
        return TS_ERR_RIGHTS;
    }
    struct memory *memory;
    status = memory_create_physical(caller_account(), range.base, range.length,
                                    (enum arch_cache)range.cache, resource->device, &memory);
    if (status != TS_OK) {
        return status;
    }
    return give(operation, &memory->object, memory_class.rights & ~TS_RIGHT_EXECUTE);
}

static ts_status_t make_line(const struct resource *resource, const struct ts_call *call,
                             struct operation *operation)
{
    struct ts_resource_line line;
    struct object *interrupt;
    ts_status_t status = call_read(call, &line, sizeof(line));
    if (status != TS_OK) {
        return status;
    }
    if ((line.flags & ~(TS_LINE_LEVEL | TS_LINE_LOW | TS_LINE_LEGACY)) != 0) {
        return TS_ERR_ARGUMENT;
    }
    if (line.line >= MESSAGE_FIRST || !contains(resource, line.line, 1)) {
        return TS_ERR_RANGE;
    }
    status = interrupt_create_line(caller_account(), line.line, line.flags, resource->device,
                                   &interrupt);
    return status == TS_OK ? give(operation, interrupt, interrupt_class.rights) : status;
}

static ts_status_t make_message(const struct resource *resource, const struct ts_call *call,
                                struct operation *operation)
{
    struct ts_resource_device sender;
    struct ts_interrupt_message message;
    struct object *interrupt;
    if (resource->base + resource->length <= MESSAGE_FIRST) {
        return TS_ERR_RANGE;
    }
    ts_status_t status = call_read(call, &sender, sizeof(sender));
    if (status != TS_OK) {
        return status;
    }
    if (sender.reserved != 0 || call->out_length < sizeof(message)) {
        return TS_ERR_ARGUMENT;
    }
    status = interrupt_create_message(caller_account(), sender.device, resource->device, &message,
                                      &interrupt);
    if (status != TS_OK) {
        return status;
    }
    (void)give(operation, interrupt, interrupt_class.rights);
    status = call_write(call, &message, sizeof(message));
    if (status != TS_OK) {
        object_handle_put(operation->result);
        operation->result = (struct handle){0};
    }
    return status;
}

static ts_status_t make_io_range(const struct resource *resource, const struct ts_call *call,
                                 struct operation *operation)
{
    struct ts_resource_range range;
    struct object *ports;
    ts_status_t status = call_read(call, &range, sizeof(range));
    if (status != TS_OK) {
        return status;
    }
    if (!contains(resource, range.base, range.length)) {
        return TS_ERR_RANGE;
    }
    status = io_range_create(caller_account(), (uint32_t)range.base, (uint32_t)range.length,
                             resource->device, &ports);
    return status == TS_OK ? give(operation, ports, io_range_class.rights) : status;
}

static ts_status_t make_domain(const struct resource *resource, const struct ts_call *call,
                               struct operation *operation)
{
    struct ts_resource_range range;
    ts_status_t status = call_read(call, &range, sizeof(range));
    if (status != TS_OK) {
        return status;
    }
    if (range.length != 1) {
        return TS_ERR_ARGUMENT;
    }
    if (!contains(resource, range.base, 1)) {
        return TS_ERR_RANGE;
    }
    return domain_make(range.base, &operation->result);
}

static ts_status_t power_off(const struct ts_call *call)
{
    struct ts_resource_range range;
    ts_status_t status = call_read(call, &range, sizeof(range));
    if (status != TS_OK) {
        return status;
    }
    log_info("power off, asked for by %s", caller_name());
    arch_power_off((uint32_t)range.base);
}

static ts_status_t restart(void)
{
    log_info("restart, asked for by %s", caller_name());
    arch_restart();
}

// The kind of resource that a method belongs to; 0: no such method.
static enum ts_resource_kind method_kind(uint32_t method)
{
    static const uint8_t kinds[] = {
        [TS_RESOURCE_MEMORY] = TS_RESOURCE_PHYSICAL,
        [TS_RESOURCE_LINE] = TS_RESOURCE_INTERRUPT,
        [TS_RESOURCE_MESSAGE] = TS_RESOURCE_INTERRUPT,
        [TS_RESOURCE_IO_RANGE] = TS_RESOURCE_IO,
        [TS_RESOURCE_DOMAIN_MAKE] = TS_RESOURCE_DOMAIN,
        [TS_RESOURCE_POWER_OFF] = TS_RESOURCE_SYSTEM,
        [TS_RESOURCE_RESTART] = TS_RESOURCE_SYSTEM,
        [TS_RESOURCE_RTC_READ] = TS_RESOURCE_SYSTEM,
        [TS_RESOURCE_RTC_WRITE] = TS_RESOURCE_SYSTEM,
        [TS_RESOURCE_CLOCK_SET] = TS_RESOURCE_SYSTEM,
    };
    return method < sizeof(kinds) ? (enum ts_resource_kind)kinds[method] : (enum ts_resource_kind)0;
}

static ts_status_t resource_call(const struct resource *resource, const struct ts_call *call,
                                 struct operation *operation)
{
    switch (call->method) {
    case TS_RESOURCE_DERIVE: return derive(resource, call, operation);
    case TS_RESOURCE_BIND: return bind(resource, call, operation);
    case TS_RESOURCE_MEMORY: return make_memory(resource, call, operation);
    case TS_RESOURCE_LINE: return make_line(resource, call, operation);
    case TS_RESOURCE_MESSAGE: return make_message(resource, call, operation);
    case TS_RESOURCE_IO_RANGE: return make_io_range(resource, call, operation);
    case TS_RESOURCE_DOMAIN_MAKE: return make_domain(resource, call, operation);
    case TS_RESOURCE_POWER_OFF: return power_off(call);
    case TS_RESOURCE_RTC_READ: return clock_rtc_read(call);
    case TS_RESOURCE_RTC_WRITE: return clock_rtc_write(call);
    case TS_RESOURCE_CLOCK_SET: return clock_set(call);
    default: return restart();
    }
}

static ts_status_t resource_operate(struct object *object, struct operation *operation)
{
    const struct resource *resource = resource_of(object);
    struct ts_call call;
    if (operation->op != TS_OP_CALL) {
        return TS_ERR_UNSUPPORTED;
    }
    if ((operation->handle_rights & TS_RIGHT_MANAGE) == 0) {
        return TS_ERR_RIGHTS;
    }
    ts_status_t status = operation_call(operation, &call);
    if (status != TS_OK) {
        return status;
    }
    bool derives = call.method == TS_RESOURCE_DERIVE || call.method == TS_RESOURCE_BIND;
    if (!derives && method_kind(call.method) != resource->kind) {
        return TS_ERR_UNSUPPORTED;
    }
    bool gives = resource->kind != TS_RESOURCE_SYSTEM || derives;
    if (gives && call.out_handles == 0) {
        return TS_ERR_ARGUMENT;
    }
    return resource_call(resource, &call, operation);
}

static void resource_destroy(struct object *object)
{
    device_unuse(resource_of(object)->device);
    body_destroy(object, sizeof(struct resource));
}

static const struct object_class resource_class = {
    .kind = TS_KIND_RESOURCE,
    .name = "resource",
    .rights = TS_RIGHT_CALL | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER | TS_RIGHT_MANAGE,
    .destroy = resource_destroy,
    .operate = resource_operate,
};

ts_status_t resource_create(enum ts_resource_kind kind, struct object **out_resource)
{
    const uint64_t lengths[] = {
        [TS_RESOURCE_PHYSICAL] = PHYSICAL_END,
        [TS_RESOURCE_INTERRUPT] = MESSAGE_FIRST + ARCH_INTERRUPT_MAX,
        [TS_RESOURCE_IO] = arch_io_space_size(),
        [TS_RESOURCE_DOMAIN] = DEVICES,
        [TS_RESOURCE_SYSTEM] = 1,
    };
    ts_status_t status;
    struct resource *resource = resource_make(NULL, kind, 0, lengths[kind], NULL, &status);
    if (resource == NULL) {
        return status;
    }
    *out_resource = &resource->object;
    return TS_OK;
}
