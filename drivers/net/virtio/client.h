// SPDX-License-Identifier: MIT
// The one client that is attached: taking its memory and giving it up.
#pragma once

#include "service.h"

// Methods ATTACH and DETACH; each answers.
void client_on_attach(struct net_session *session, struct ts_request *request);
void client_on_detach(struct net_session *session, struct ts_request *request);

// Stops the device and lets go of the client's memory. TS_ERR_IO: the device does not stop; the
// memory stays pinned and the process must end.
TS_MUST_USE ts_status_t client_detach(struct net_service *service);

// Signals the client's event, if somebody is attached.
void client_ring(struct net_service *service);
