// SPDX-License-Identifier: MIT
// The one client that is attached: taking its memory and giving it up.
#pragma once

#include <drivers/frame/service.h>

// Methods ATTACH and DETACH; each answers.
void frame_client_on_attach(struct frame_session *session, struct ts_request *request);
void frame_client_on_detach(struct frame_session *session, struct ts_request *request);

// Stops the chip and lets go of the client's memory. A device that does not stop ends the process.
void frame_client_detach(struct frame_service *service);

// Signals the client's event, if somebody is attached.
void frame_client_ring(struct frame_service *service);
