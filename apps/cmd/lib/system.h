// SPDX-License-Identifier: MIT
// What the programs about the system share: init's control object and lists of processes.
#pragma once

#include <tessera/lib/op.h>
#include <tessera/proto/init.h>

// The named handle by which a program reaches all processes and the system's counters.
#define SYSTEM_NAME "system"

// init's control object; exits with a message when this program was not given it.
ts_handle_t system_control(void);

// Calls a method of it with a service's name (may be NULL). Exit status, with a message.
int system_steer(uint32_t method, const char *service);

// Each service that init has, in its order: false from `each` ends it. Status of the listing.
typedef bool (*service_each_t)(const struct ts_init_service *service, void *context);
TS_MUST_USE ts_status_t system_services(service_each_t each, void *context);

// Each process below the system's job, or the own one (the named handle `job`) without that.
typedef bool (*process_each_t)(const struct ts_process_statistics *process, ts_handle_t handle,
                               void *context);
TS_MUST_USE ts_status_t system_processes(process_each_t each, void *context);

// The system's counters. Exits with a message when they cannot be had.
struct ts_system_statistics system_statistics(void);
