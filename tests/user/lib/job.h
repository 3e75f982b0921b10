// SPDX-License-Identifier: MIT
// What tests of processes that die have in common.
#pragma once

#include <tessera/abi/types.h>

// What those that died in a job had is given back, within seconds: else the test fails.
void job_check_empty(ts_handle_t job);
