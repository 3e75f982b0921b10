// SPDX-License-Identifier: MIT
// <stdatomic.h> (C17, 7.17) stands alone; newlib's needs the types of <stdint.h> to be there.
#pragma once

#include <stdint.h>
#include_next <stdatomic.h>
