// SPDX-License-Identifier: MIT
// memfs [PAGES [NODES]]: a file system in memory, of at most so many pages of content and nodes.
//
// What it holds besides is bounded too, and has to fit into its job's limit with the pages: about
// 1,200 pages with these defaults, most of it nodes and names (500 bytes together), objects and
// their port's tables.
//
// Each file knows only those above it:
//
//   store       pages in chunks, and their payers
//   file        a file's bytes: extents of such pages
//   entry       names of nodes in directories
//   tree        nodes: found, made, renamed, given further names
//   open_node   an open node, as clients have it
//   walk        long paths, in turns
//   content     read, write, properties of an open node
//   open        names: open, create, remove, rename, link, list; the tables of operations
//   main        the program
#include <drivers/service/ready.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/random.h>
#include "memfs.h"
#include "walk.h"

#define PAGES_DEFAULT 6144 // 24 MiB, of which one client has half
#define NODES_DEFAULT 4096

static const struct ts_server_limits limits = {
    .requests = 256, .objects = 4096, .inbox_bytes = 256};

static struct ts_loop loop;
static struct ts_server server;

static ts_status_t start(uint64_t pages, uint64_t nodes, ts_handle_t *out_root)
{
    static struct tree tree;
    static struct memfs_root root = {.object.operations = &memfs_root_operations, .tree = &tree};
    uint64_t seed = 0;
    (void)ts_random_bytes(&seed, sizeof(seed)); // without it names hash predictably, no worse
    ts_status_t status = tree_init(&tree, nodes, pages, seed);
    status = status != TS_OK ? status : ts_loop_init(&loop, 64, 256, 64);
    walk_init(&loop);
    status = status != TS_OK ? status : ts_server_init(&server, &loop, &limits);
    status =
        status != TS_OK ? status : ts_object_mint(&server, &root.object, TS_RIGHTS_ALL, out_root);
    return status;
}

static bool number(const char *text, uint64_t *out)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    *out = value;
    return *text >= '0' && *text <= '9' && !*end && value > 0;
}

int main(int argc, char **argv)
{
    uint64_t pages = PAGES_DEFAULT, nodes = NODES_DEFAULT;
    if (argc > 3 || (argc > 1 && !number(argv[1], &pages)) ||
        (argc > 2 && !number(argv[2], &nodes))) {
        fprintf(stderr, "usage: memfs [PAGES [NODES]]\n");
        return 2;
    }
    ts_handle_t root = TS_HANDLE_NONE;
    ts_status_t status = start(pages, nodes, &root);
    return service_run(status, &server, root);
}
