// SPDX-License-Identifier: MIT
// What all of init shares: its loop, the port on it, the services.
#pragma once

#include <tessera/lib/server.h>
#include "config.h"
#include "service.h"

#define INIT_REQUESTS  128u
#define INIT_OBJECTS   2048u
#define INIT_INSTANCES 32u // of all services that run for each of some things
#define INIT_SERVICES  (CONFIG_SERVICES + INIT_INSTANCES)
#define INIT_ASK_NS    (5 * TS_SECOND) // deadline of what init asks a service for a client

struct init {
    struct ts_loop loop;
    struct ts_server server;
    struct config config;
    // Those of the configuration, by its index; then instances.
    struct service services[INIT_SERVICES];
    uint32_t service_count;
    const struct ts_boot_information *boot;
    uint32_t starts;
    uint32_t state_changes; // of all services
    bool ending;            // power off or restart is under way: nothing is started any more
    int32_t exit_status;
    bool execute; // the console's program is that of exec=: its end is the machine's
};

extern struct init init;

// NULL: there is none of that name.
struct service *service_named(const char *name, size_t length);
