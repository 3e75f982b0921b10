// SPDX-License-Identifier: MIT
// Seen before every file of mm_space: a static lock, which host locks do not have.
#pragma once

#define SPINLOCK_INIT(label) \
    {                        \
        .name = (label)      \
    }
