// SPDX-License-Identifier: MIT
// A file's bytes.
#pragma once

#include "tree.h"

// Gives memory and accounted pages back.
void file_release(struct tree *tree, struct node *node);
