// SPDX-License-Identifier: MIT
// The folder in the memory file system that bombs leave their files in.
#pragma once

void folder_begin(void);
void folder_end(void); // with all that is in it
