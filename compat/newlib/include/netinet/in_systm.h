// SPDX-License-Identifier: MIT
#pragma once

#include <netinet/in.h>
