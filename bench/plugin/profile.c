// SPDX-License-Identifier: MIT
// A QEMU TCG plugin that counts guest instructions by the block of code they are in, in a file that
// the host maps and reads while the guest runs: tools/tessera_cmd/benching/profile.py knows whose
// function each block is of.
//
// The file holds the number of blocks, padded to a record, and a record for each: where it is and
// what its first bytes are (by which code at a random address is recognised), and how many
// instructions were executed in it. A block that is translated again has another record. An
// exception in the midst of a block leaves the whole block counted.
#include "plugin.h"
#include "shared.h"

#define BLOCKS_MAX (1u << 20)
#define CODE_MAX   40u

EXPORT int qemu_plugin_version = 1;

struct block {
    uint64_t address, instructions;
    uint32_t code_length, reserved;
    uint8_t code[CODE_MAX];
};
_Static_assert(sizeof(struct block) == 64, "block");

struct profile {
    uint64_t blocks, reserved[7];
    struct block block[BLOCKS_MAX];
};

static struct profile *profile;

static void fill(struct block *block, const struct qemu_plugin_tb *tb)
{
    size_t length = 0;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        size_t size = qemu_plugin_insn_size(insn);
        if (length + size > CODE_MAX) {
            break;
        }
        memcpy(block->code + length, qemu_plugin_insn_data(insn), size);
        length += size;
    }
    block->address = qemu_plugin_tb_vaddr(tb);
    block->code_length = (uint32_t)length;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    // The last one takes all that there is no room for.
    struct block *block = &profile->block[profile->blocks];
    if (profile->blocks < BLOCKS_MAX - 1) {
        fill(block, tb);
        profile->blocks++;
    }
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &block->instructions,
                                             qemu_plugin_tb_n_insns(tb));
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
                               char **argv)
{
    (void)info;
    profile = shared_file(argc, argv, sizeof(*profile));
    if (profile == NULL) {
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
