// SPDX-License-Identifier: MIT
// The process of a service: its job, and each handle that the configuration lists. Everything here
// is an operation on the kernel.
#include "launch.h"
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/resource.h>
#include <tessera/lib/spawn.h>
#include "class.h"
#include "control.h"
#include "init.h"
#include "instance.h"
#include "name.h"
#include "ready.h"
#include "settle.h"
#include "tree.h"

// A handle that is given up, and another that has what the line says.
static ts_status_t narrow(ts_handle_t handle, ts_rights_t rights, ts_handle_t *out_handle)
{
    ts_status_t status = ts_duplicate(handle, rights, out_handle);
    ts_close(handle);
    return status;
}

static ts_status_t make_resource(const struct config_handle *handle, ts_handle_t *out_handle)
{
    ts_handle_t whole = ts_named_handle(handle->what);
    if (!whole) {
        return TS_ERR_NOT_FOUND;
    }
    if (handle->length == 0) {
        return ts_duplicate(whole, handle->rights, out_handle);
    }
    ts_handle_t part;
    ts_status_t status = ts_resource_derive(whole, handle->base, handle->length, &part);
    return status != TS_OK ? status : narrow(part, handle->rights, out_handle);
}

// Of physical memory, the pages that the boot loader's picture lies in.
static ts_status_t make_framebuffer(const struct config_handle *handle, ts_handle_t *out_handle)
{
    ts_handle_t whole = ts_named_handle(TS_NAME_RESOURCE_PHYSICAL), part;
    const struct ts_boot_information *boot = init.boot;
    uint64_t first = boot->framebuffer_base & ~(uint64_t)(TS_PAGE_SIZE - 1);
    uint64_t bytes = (uint64_t)boot->framebuffer_pitch * boot->framebuffer_height;
    uint64_t length = TS_PAGE_ROUND(boot->framebuffer_base - first + bytes);
    ts_status_t status = ts_resource_derive(whole, first, length, &part);
    return status != TS_OK ? status : narrow(part, handle->rights, out_handle);
}

static ts_status_t take_session(ts_handle_t *open, const struct config_handle *handle,
                                ts_handle_t *out_handle)
{
    ts_handle_t session = *open;
    *open = TS_HANDLE_NONE;
    return narrow(session, handle->rights, out_handle);
}

static ts_status_t make_memory(ts_handle_t *kept, const struct config_handle *handle,
                               ts_handle_t *out_handle)
{
    ts_status_t status = *kept ? TS_OK : ts_memory_create(handle->length, 0, kept);
    return status != TS_OK ? status : ts_duplicate(*kept, handle->rights, out_handle);
}

static ts_status_t make_handle(struct service *service, uint32_t index, ts_handle_t *out_handle)
{
    const struct config_handle *handle = &service->config->handles[index];
    switch (handle->target) {
    case CONFIG_OWN: {
        ts_handle_t own = ts_named_handle(handle->what);
        return own ? ts_duplicate(own, handle->rights, out_handle) : TS_ERR_NOT_FOUND;
    }
    case CONFIG_TREE: return tree_root_create(handle->what, handle->rights, out_handle);
    case CONFIG_SERVICE:
        return name_create(&init.services[handle->service], handle->what, handle->rights,
                           out_handle);
    case CONFIG_EACH:
        return name_create(&init.services[handle->service], service->thing, handle->rights,
                           out_handle);
    case CONFIG_CLASS: return class_create(handle->what, handle->rights, out_handle);
    case CONFIG_SESSION: return take_session(&service->sessions_open[index], handle, out_handle);
    case CONFIG_RESOURCE: return make_resource(handle, out_handle);
    case CONFIG_FRAMEBUFFER: return make_framebuffer(handle, out_handle);
    case CONFIG_CONTROL: return control_create(handle->rights, out_handle);
    case CONFIG_MEMORY: return make_memory(&service->kept[index], handle, out_handle);
    case CONFIG_JOB: return ts_duplicate(service->job, handle->rights, out_handle);
    }
    return TS_ERR_UNSUPPORTED;
}

static void add(struct ts_spawn *spawn, struct ts_spawn_handle *list, const char *name,
                ts_handle_t handle)
{
    list[spawn->handle_count++] =
        (struct ts_spawn_handle){.name = name, .handle = handle, .move = true};
}

static ts_status_t make_handles(struct service *service, struct ts_spawn *spawn,
                                struct ts_spawn_handle *list)
{
    ts_handle_t handle;
    ts_status_t status = TS_OK;
    if (service->config->serves) {
        status = ready_create(service, &handle);
        if (status == TS_OK) {
            add(spawn, list, TS_NAME_INIT, handle);
        }
    }
    for (uint32_t i = 0; status == TS_OK && i < service->config->handle_count; i++) {
        const struct config_handle *entry = &service->config->handles[i];
        if (entry->target == CONFIG_FRAMEBUFFER && init.boot->framebuffer_base == 0) {
            continue;
        }
        status = make_handle(service, i, &handle);
        if (status != TS_OK) {
            ts_log("/etc/init.conf:%u: handle %s of %s: %s", entry->line, entry->name,
                   service->name, ts_status_name(status));
        } else {
            add(spawn, list, entry->name, handle);
        }
    }
    return status;
}

static ts_status_t spawn(struct service *service, ts_handle_t image, uint64_t size)
{
    struct ts_spawn_handle list[CONFIG_HANDLES + 1];
    struct ts_spawn spawn = {
        .job = service->job,
        .name = service->name,
        .image = image,
        .image_size = size,
        .arguments = service->config->arguments,
        .environment = service->config->environment,
        .handles = list,
        .priority = service->config->priority,
        .out_bias = &service->bias,
    };
    ts_status_t status = make_handles(service, &spawn, list);
    if (status == TS_OK) {
        return ts_spawn(&spawn, &service->process);
    }
    for (uint32_t i = 0; i < spawn.handle_count; i++) {
        ts_close(list[i].handle);
    }
    return status;
}

// TS_OK, or why the program could not be started.
static ts_status_t launch(struct service *service)
{
    ts_handle_t image;
    uint64_t size;
    ts_status_t status = archive_program(service->config->program, &image, &size);
    if (status != TS_OK) {
        ts_log("%s: no program /%s: %s", service->name, service->config->program,
               ts_status_name(status));
    } else {
        status =
            ts_job_create(ts_named_handle(TS_NAME_JOB), &service->config->limits, &service->job);
        if (status == TS_OK) {
            status = spawn(service, image, size);
        }
        ts_close(image);
    }
    for (uint32_t i = 0; i < CONFIG_HANDLES; i++) {
        ts_close(service->sessions_open[i]);
    }
    if (status != TS_OK) {
        ts_close(service->job);
        service->job = TS_HANDLE_NONE;
    }
    return status;
}

static void advance(struct service *service)
{
    if (init.ending || !settle_done(service)) {
        return;
    }
    if (service_is_kind(service)) {
        instance_find(service);
        return;
    }
    service->instance++;
    ts_status_t status = launch(service);
    memset(service->sessions_open, 0, sizeof(service->sessions_open)); // given to it, or closed
    if (status != TS_OK) {
        service_failed(service, status);
    } else {
        service_launched(service);
    }
}

void launch_all(struct ts_loop *loop, void *context)
{
    (void)loop;
    (void)context;
    uint32_t before;
    do { // a start that fails may be what another, looked at before, has waited for
        before = init.state_changes;
        for (uint32_t i = 0; i < init.service_count; i++) {
            if (init.services[i].state == TS_INIT_WAITING) {
                advance(&init.services[i]);
            }
        }
    } while (init.state_changes != before);
}
