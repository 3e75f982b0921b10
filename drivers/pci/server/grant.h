// SPDX-License-Identifier: MIT
// What a driver gets of its device, and of nothing else: methods of the device object
// (tessera/proto/pci.h). Each answers its request. The device is HELD.
#pragma once

#include "device.h"

// For the next driver, before anything is given: makes the function's domain. TS_ERR_BUSY: somebody
// else has one, or something of the function, from before this server's time. The end: nobody has.
TS_MUST_USE ts_status_t grant_begin(struct device *device);
void grant_end(struct device *device);

void grant_bar(struct device *device, struct ts_request *request);
void grant_vector(struct device *device, struct ts_request *request);
void grant_domain(struct device *device, struct ts_request *request);
void grant_enable(struct device *device, struct ts_request *request);

// Takes all interrupts back and silences the function's messages and line.
void grant_silence(struct device *device);
