// SPDX-License-Identifier: MIT
// A QEMU TCG plugin that counts guest instructions, split into user and kernel by their address, in
// a file that the host maps and reads while the guest runs.
//
//   cc -O2 -shared -fPIC count.c -o count.so
//   qemu-system-x86_64 -plugin ./count.so,out=/tmp/counts …
//
// The file holds two little-endian u64: instructions in user space, in the kernel. A halted
// processor executes none, so an idle guest does not count.
#include "plugin.h"
#include "shared.h"

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
    counters = shared_file(argc, argv, 2 * sizeof(*counters));
    if (counters == NULL) {
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
