// SPDX-License-Identifier: MIT
// A QEMU TCG plugin that counts guest instructions, split into user and kernel by their address, in
// a file that the host maps and reads while the guest runs.
//
//   cc -O2 -shared -fPIC count.c -o count.so
//   qemu-system-x86_64 -plugin ./count.so,out=/tmp/counts …
//
// The file holds two little-endian u64: instructions in user space, in the kernel. A halted
// processor executes none, so an idle guest does not count. Debian has no qemu-plugin.h: the few
// functions of plugin API version 1 that are used are declared here as its documentation has them.
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_info_t;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

typedef void (*translated_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_t callback);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op,
                                              void *counter, uint64_t addend);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

EXPORT int qemu_plugin_version = 1;

static uint64_t *counters; // user, kernel

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    unsigned kernel = (unsigned)(qemu_plugin_tb_vaddr(tb) >> 63);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &counters[kernel],
                                             qemu_plugin_tb_n_insns(tb));
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
                               char **argv)
{
    (void)info;
    const char *path = argc == 1 && strncmp(argv[0], "out=", 4) == 0 ? argv[0] + 4 : NULL;
    int file = path != NULL ? open(path, O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;
    if (file < 0 || ftruncate(file, 2 * sizeof *counters) != 0) {
        fprintf(stderr, "count: needs out=PATH that can be written\n");
        return -1;
    }
    counters = mmap(NULL, 2 * sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (counters == MAP_FAILED) {
        perror("count: mmap");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
