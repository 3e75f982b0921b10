// SPDX-License-Identifier: MIT
// The tree that is tested, and what a client asks of it through its handlers.
#pragma once

#include <tessera/lib/local.h>

#include "file.h"
#include "memfs.h"

#define NODES 2000u
#define PAGES 512u

extern struct tree tree;
extern struct memfs_root root;
extern struct ts_local local;

struct ts_local_result ask(struct ts_object *object, struct ts_local_op op);
TS_MUST_USE ts_status_t open_path(struct ts_object *from, const char *path, unsigned flags,
                                  struct ts_object **out);
TS_MUST_USE ts_status_t with_path(struct ts_object *from, enum ts_operation op, const char *path,
                                  unsigned kind);
int64_t move(struct ts_object *file, enum ts_operation op, void *bytes, uint32_t length,
             uint64_t offset, unsigned flags);
TS_MUST_USE ts_status_t set_number(struct ts_object *file, unsigned property, uint64_t value);
uint64_t get_number(struct ts_object *file, unsigned property);
TS_MUST_USE ts_status_t two_names(struct ts_object *from, enum ts_operation op, const char *names,
                                  size_t length, unsigned flags);
TS_MUST_USE ts_status_t rename_path(struct ts_object *from, const char *names, size_t length,
                                    unsigned flags);
TS_MUST_USE ts_status_t link_path(struct ts_object *from, const char *names, size_t length);
struct ts_attributes attributes_of(struct ts_object *from, const char *path);
uint64_t pages_of(uint32_t client);

// memfs_shares.c: what a client may have. memfs_deep.c: paths that are walked in steps.
void test_pages(struct ts_object *top);
void test_nodes(struct ts_object *top);
void test_link_shares(struct ts_object *top);
void test_deep(struct ts_object *top);
