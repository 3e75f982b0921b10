// SPDX-License-Identifier: MIT
#pragma once

struct arch_frame {
    int unused;
};
