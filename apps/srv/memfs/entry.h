// SPDX-License-Identifier: MIT
// Entries of directories. They are found by a hash of (directory, name); those of a directory are
// also linked in the order of their serial numbers, which are the cookies of a listing: a number is
// never used again, so a listing continues where it was whatever happened in between.
#pragma once

#include "tree.h"

// Where the entry with that name is kept, or would be: *result is NULL if there is none.
struct entry **entry_slot(const struct tree *tree, const struct node *directory, const char *name,
                          size_t length);

// A further name of a node, in no directory yet. NULL: no memory.
struct entry *entry_make(struct node *node, const struct tree_place *place);
void entry_name(struct entry *entry, const struct tree_place *place); // while it is in none

// Puts it into a directory that has no such name, and takes it out again.
void entry_attach(struct tree *tree, struct node *directory, struct entry *entry);
void entry_detach(struct tree *tree, struct entry *entry);

// For one that is in no directory. What it was paid with goes back.
void entry_free(struct tree *tree, struct entry *entry);
