// SPDX-License-Identifier: MIT
// The registers of an AMD-Vi unit.
#pragma once

#include "amd.h"

#define AMD_REGISTERS    0x4000u
#define AMD_DEVICE_TABLE 0x0000u
#define AMD_COMMANDS     0x0008u
#define AMD_EVENTS       0x0010u
#define AMD_CONTROL      0x0018u
#define AMD_EXCLUSION    0x0020u
#define AMD_FEATURES     0x0030u
#define AMD_COMMAND_HEAD 0x2000u
#define AMD_COMMAND_TAIL 0x2008u
#define AMD_EVENT_HEAD   0x2010u
#define AMD_EVENT_TAIL   0x2018u
#define AMD_STATUS       0x2020u

#define AMD_FEATURE_FORGET_ALL (1u << 6)

#define AMD_CONTROL_ENABLE    (UINT64_C(1) << 0)
#define AMD_CONTROL_EVENTS    (UINT64_C(1) << 2)
#define AMD_CONTROL_INTERRUPT (UINT64_C(1) << 3) // for events
#define AMD_CONTROL_COHERENT  (UINT64_C(1) << 10)
#define AMD_CONTROL_COMMANDS  (UINT64_C(1) << 12)

#define AMD_STATUS_OVERFLOW   (1u << 0)
#define AMD_STATUS_INTERRUPT  (1u << 1) // for events; this and the former are cleared by writing 1
#define AMD_STATUS_EVENTS_RUN (1u << 3)
#define AMD_STATUS_RUN        (3u << 3) // events and commands

static inline uint32_t amd_read32(const struct amd *u, uint32_t offset)
{
    return *(volatile uint32_t *)(u->registers + offset);
}

static inline void amd_write32(const struct amd *u, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(u->registers + offset) = value;
}

static inline uint64_t amd_read64(const struct amd *u, uint32_t offset)
{
    return *(volatile uint64_t *)(u->registers + offset);
}

static inline void amd_write64(const struct amd *u, uint32_t offset, uint64_t value)
{
    *(volatile uint64_t *)(u->registers + offset) = value;
}
