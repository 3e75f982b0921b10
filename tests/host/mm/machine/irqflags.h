// SPDX-License-Identifier: MIT
#pragma once

#include <arch/types.h>
