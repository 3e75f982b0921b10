// SPDX-License-Identifier: MIT
// A word for functions that only a machine's calling conventions have.
#pragma once

#include <machine/attribute.h>

// ARCH_KEEPS_REGISTERS, before the declaration of a function without a result: it changes none of
// its caller's registers. For the rare branch of a hot function, which then keeps what it has in
// registers. A machine whose compiler cannot do that has an empty one.
