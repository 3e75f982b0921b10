// SPDX-License-Identifier: MIT
// Whether a port counts what is there. Between operations.
#pragma once

#include <core/port.h>

// Its reserve, its parked requests and notices, what each client has of it and what is left for
// others; and a client waits for its own requests alone.
void port_counts_check(struct port *port);

// All parked requests.
void port_parked_each(const struct port *port, void (*see)(struct request *, void *),
                      void *context);
