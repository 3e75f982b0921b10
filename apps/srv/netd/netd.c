// SPDX-License-Identifier: MIT
#include "netd.h"

struct netd netd;
