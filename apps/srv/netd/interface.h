// SPDX-License-Identifier: MIT
// What can be known and changed about the interfaces.
#pragma once

#include <lwip/netif.h>
#include <tessera/lib/server.h>
#include <tessera/proto/net.h>

// Methods of a session: each answers its request.
void interface_call(struct ts_request *request);      // INTERFACE
void interface_configure(struct ts_request *request); // CONFIGURE; rights are checked already

// Starts DHCP or sets the static address; all zero = DHCP.
void interface_set(struct netif *netif, const struct ts_net_configuration *configuration);

// Reads "ADDRESS/BITS" and so on from the process's arguments:
//   --address A.B.C.D/BITS [--gateway A.B.C.D] [--dns A.B.C.D]
// Nothing of them = DHCP. TS_ERR_ARGUMENT: not understood; *out_argument says which.
TS_MUST_USE ts_status_t interface_arguments(struct ts_net_configuration *out_configuration,
                                            const char **out_argument);
