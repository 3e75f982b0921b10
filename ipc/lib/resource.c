// SPDX-License-Identifier: MIT
#include <tessera/lib/resource.h>

static ts_status_t range_method(ts_handle_t handle, uint32_t method, uint64_t base, uint64_t length,
                                ts_handle_t *out_handle)
{
    struct ts_resource_range range = {base, length};
    return ts_call_handle(handle, method, &range, sizeof(range), NULL, 0, out_handle);
}

ts_status_t ts_resource_derive(ts_handle_t resource, uint64_t base, uint64_t length,
                               ts_handle_t *out_resource)
{
    return range_method(resource, TS_RESOURCE_DERIVE, base, length, out_resource);
}

ts_status_t ts_resource_bind(ts_handle_t resource, uint64_t base, uint64_t length,
                             ts_handle_t domain, ts_handle_t *out_resource)
{
    struct ts_resource_binding binding = {.base = base, .length = length, .domain = domain};
    return ts_call_handle(resource, TS_RESOURCE_BIND, &binding, sizeof(binding), NULL, 0,
                          out_resource);
}

ts_status_t ts_resource_memory(ts_handle_t resource, uint64_t base, uint64_t length, unsigned cache,
                               ts_handle_t *out_memory)
{
    struct ts_resource_memory memory = {.base = base, .length = length, .cache = cache};
    return ts_call_handle(resource, TS_RESOURCE_MEMORY, &memory, sizeof(memory), NULL, 0,
                          out_memory);
}

ts_status_t ts_resource_line(ts_handle_t resource, uint32_t number, unsigned flags,
                             ts_handle_t *out_interrupt)
{
    struct ts_resource_line line = {.line = number, .flags = flags};
    return ts_call_handle(resource, TS_RESOURCE_LINE, &line, sizeof(line), NULL, 0, out_interrupt);
}

ts_status_t ts_resource_message(ts_handle_t resource, uint32_t device,
                                struct ts_interrupt_message *out_message,
                                ts_handle_t *out_interrupt)
{
    struct ts_resource_device sender = {.device = device};
    return ts_call_handle(resource, TS_RESOURCE_MESSAGE, &sender, sizeof(sender), out_message,
                          sizeof(*out_message), out_interrupt);
}

ts_status_t ts_resource_io_range(ts_handle_t resource, uint64_t base, uint64_t length,
                                 ts_handle_t *out_range)
{
    return range_method(resource, TS_RESOURCE_IO_RANGE, base, length, out_range);
}

ts_status_t ts_io_read(ts_handle_t range, uint16_t port, unsigned width, uint32_t *out_value)
{
    uint32_t value = 0;
    size_t bytes;
    ts_status_t status = ts_read(range, &value, width, port, TS_DEADLINE_NONE, &bytes);
    if (status == TS_OK) {
        *out_value = value; // little-endian, as the machine is
    }
    return status;
}

ts_status_t ts_io_write(ts_handle_t range, uint16_t port, unsigned width, uint32_t value)
{
    size_t bytes;
    return ts_write(range, &value, width, port, TS_DEADLINE_NONE, &bytes);
}

ts_status_t ts_resource_domain(ts_handle_t resource, uint64_t device, ts_handle_t *out_domain)
{
    return range_method(resource, TS_RESOURCE_DOMAIN_MAKE, device, 1, out_domain);
}

ts_status_t ts_domain_pin(ts_handle_t domain, ts_handle_t memory, uint64_t offset, uint64_t length,
                          uint64_t *addresses, size_t count)
{
    struct ts_domain_pin pin = {.memory = memory, .offset = offset, .length = length};
    if (count < length / TS_PAGE_SIZE) {
        return TS_ERR_OVERFLOW;
    }
    return ts_call_bytes(domain, TS_DOMAIN_PIN, &pin, sizeof(pin), addresses,
                         count * sizeof(addresses[0]), NULL);
}

ts_status_t ts_domain_unpin(ts_handle_t domain, ts_handle_t memory, uint64_t offset,
                            uint64_t length)
{
    struct ts_domain_pin pin = {.memory = memory, .offset = offset, .length = length};
    return ts_call_bytes(domain, TS_DOMAIN_UNPIN, &pin, sizeof(pin), NULL, 0, NULL);
}

ts_status_t ts_domain_quiet(ts_handle_t domain)
{
    return ts_call_bytes(domain, TS_DOMAIN_QUIET, NULL, 0, NULL, 0, NULL);
}

ts_status_t ts_domain_drive(ts_handle_t domain)
{
    return ts_call_bytes(domain, TS_DOMAIN_DRIVE, NULL, 0, NULL, 0, NULL);
}

ts_status_t ts_domain_end(ts_handle_t domain)
{
    return ts_call_bytes(domain, TS_DOMAIN_END, NULL, 0, NULL, 0, NULL);
}

ts_status_t ts_domain_state(ts_handle_t domain, struct ts_domain_state *out_state)
{
    return ts_call_bytes(domain, TS_DOMAIN_STATE, NULL, 0, out_state, sizeof(*out_state), NULL);
}

ts_status_t ts_system_power_off(ts_handle_t resource, uint32_t status)
{
    struct ts_resource_range range = {.base = status};
    return ts_call_bytes(resource, TS_RESOURCE_POWER_OFF, &range, sizeof(range), NULL, 0, NULL);
}

ts_status_t ts_system_rtc_read(ts_handle_t resource, struct ts_rtc *out_rtc)
{
    return ts_call_bytes(resource, TS_RESOURCE_RTC_READ, NULL, 0, out_rtc, sizeof(*out_rtc), NULL);
}

ts_status_t ts_system_rtc_write(ts_handle_t resource, int64_t seconds)
{
    struct ts_rtc rtc = {.seconds = seconds};
    return ts_call_bytes(resource, TS_RESOURCE_RTC_WRITE, &rtc, sizeof(rtc), NULL, 0, NULL);
}

ts_status_t ts_system_clock_set(ts_handle_t resource, const struct ts_clock_setting *setting)
{
    return ts_call_bytes(resource, TS_RESOURCE_CLOCK_SET, setting, sizeof(*setting), NULL, 0, NULL);
}

ts_status_t ts_system_restart(ts_handle_t resource)
{
    return ts_call_bytes(resource, TS_RESOURCE_RESTART, NULL, 0, NULL, 0, NULL);
}
