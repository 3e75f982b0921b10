// SPDX-License-Identifier: MIT
// The machine by its names, and how its program files are told from those of others.
#pragma once

#define TS_MACHINE_NAME "x86_64"

#define TS_ELF_MACHINE  62u // e_machine
#define TS_ELF_RELATIVE 8u  // the relocation that adds where the image was loaded
