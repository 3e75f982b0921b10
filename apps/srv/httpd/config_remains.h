// SPDX-License-Identifier: MIT
// What a httpd leaves to the next: the configuration that RELOAD gave it, in the memory "remains"
// (apps/srv/init/config.h), so that it stays in force when httpd dies and is started again.
#pragma once

#include "config/config.h"

#define CONFIG_NAME 128u // bytes of what messages call a file, with a zero

// Finds the memory. Without it nothing is left.
void config_remains_init(void);

// What the instance before was given. False: nothing.
bool config_remains_get(char text[CONFIG_BYTES], size_t *out_length, char name[CONFIG_NAME]);

// A text that may come into force, as it was read; then: it has (what was there before is gone); or
// what is in force was not given.
void config_remains_note(const char name[CONFIG_NAME], const char *text, size_t length);
void config_remains_keep(void);
void config_remains_forget(void);
