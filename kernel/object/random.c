// SPDX-License-Identifier: MIT
// The random generator. See random.h.
//
// Each use makes one block from the key; its first half becomes the next key before anything is
// given away (so that what was given cannot be found from the state later), and the other half is
// the output or, of more bytes than that, a second key, of the caller alone, which makes the
// output. The lock is held for that one block only.
//
// Mixing makes the key depend on all that was ever put in: block(key ^ input) gives the next key.
// Input that an attacker chooses cannot undo what others put in.
#include <arch/clock.h>
#include <arch/boot.h>
#include <arch/cpu.h>
#include <base/list.h>
#include <cpu.h>
#include <log.h>
#include <object/chacha.h>
#include <object/random.h>
#include <object/transfer.h>
#include <spinlock.h>
#include <stdatomic.h>
#include <string.h>
#include <tessera/abi/operation.h>

#define KEY_WORDS    (CHACHA_KEY / 4)
#define RESEED_BYTES (UINT64_C(1) << 20) // of output, then the CPU's generator is asked again
#define JITTER_STEPS 2048u
#define PIECE        256u // bytes generated at a time for a program

static struct spinlock key_lock = SPINLOCK_INIT("random");
static uint32_t key[KEY_WORDS];
static uint64_t uses;
static uint64_t given; // bytes since the last reseeding
static uint64_t canary_key[2];
static struct object random_object;

// The debug kernel with the word `random=fixed`: the same numbers after each boot, so that a run of
// the fuzzer can be repeated (docs/testing.md).
static bool is_fixed(void)
{
#if TS_DEBUG
    static signed char fixed = -1;
    if (fixed < 0) {
        fixed = boot_option_word("random=fixed");
    }
    return fixed;
#else
    return false;
#endif
}

// The next key, and in out_key (may be NULL) one for the caller. Lock held.
static void key_advance(uint32_t *out_key)
{
    uint8_t block[CHACHA_BLOCK];
    uint64_t counter = is_fixed() ? 0 : arch_counter();
    const uint32_t nonce[3] = {(uint32_t)++uses, (uint32_t)counter, (uint32_t)(counter >> 32)};
    chacha_block(key, (uint32_t)(uses >> 32), nonce, block);
    memcpy(key, block, CHACHA_KEY);
    if (out_key != NULL) {
        memcpy(out_key, block + CHACHA_KEY, CHACHA_KEY);
    }
    memset(block, 0, sizeof(block));
    __asm__ volatile("" : : "r"(block) : "memory"); // the clearing is wanted
}

// Mixes bytes into the key.
static void random_mix(const void *bytes, size_t length)
{
    const uint8_t *from = bytes;
    while (length > 0) {
        size_t part = length < CHACHA_KEY ? length : CHACHA_KEY;
        uint32_t words[KEY_WORDS] = {0};
        memcpy(words, from, part);
        irqflags_t flags = spin_lock(&key_lock);
        for (unsigned i = 0; i < KEY_WORDS; i++) {
            key[i] ^= words[i];
        }
        key_advance(NULL);
        spin_unlock(&key_lock, flags);
        from += part;
        length -= part;
    }
}

// What the CPU's generator has to say, if there is one.
static bool mix_hardware(void)
{
    uint64_t words[4];
    if (is_fixed()) {
        return true;
    }
    for (unsigned i = 0; i < 4; i++) {
        if (!arch_random(&words[i])) {
            return false;
        }
    }
    random_mix(words, sizeof(words));
    return true;
}

// The counter's low bits at times that memory and pipeline make uneven: little on emulators, so it
// comes on top and not instead of what the hardware has.
static void mix_jitter(void)
{
    uint64_t sum[4] = {0};
    uint64_t last = arch_counter();
    if (is_fixed()) {
        return;
    }
    for (unsigned i = 0; i < JITTER_STEPS; i++) {
        uint64_t now = arch_counter();
        sum[i % 4] = (sum[i % 4] << 7 | sum[i % 4] >> 57) ^ (now - last);
        last = now;
        // A walk that depends on what was measured: caches and predictors are met differently.
        for (volatile uint64_t turns = sum[i % 4] & 15; turns > 0; turns--) {
            arch_cpu_relax();
        }
    }
    random_mix(sum, sizeof(sum));
}

// What a key that is used for nothing else makes.
static void expand(const uint32_t *own, uint8_t *to, size_t length)
{
    const uint32_t nonce[3] = {0};
    uint8_t block[CHACHA_BLOCK];
    for (uint32_t counter = 0; length > 0; counter++) {
        size_t part = length < CHACHA_BLOCK ? length : CHACHA_BLOCK;
        chacha_block(own, counter, nonce, block);
        memcpy(to, block, part);
        to += part;
        length -= part;
    }
    memset(block, 0, sizeof(block));
    __asm__ volatile("" : : "r"(block) : "memory");
}

void random_bytes(void *out_bytes, size_t length)
{
    uint32_t own[KEY_WORDS];
    irqflags_t flags = spin_lock(&key_lock);
    key_advance(own);
    given += length;
    bool reseed = given >= RESEED_BYTES;
    if (reseed) {
        given = 0;
    }
    spin_unlock(&key_lock, flags);
    if (length <= sizeof(own)) {
        memcpy(out_bytes, own, length);
    } else {
        expand(own, out_bytes, length);
    }
    memset(own, 0, sizeof(own));
    __asm__ volatile("" : : "r"(own) : "memory");
    if (reseed) {
        (void)mix_hardware();
    }
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_bytes(&value, sizeof(value));
    return value;
}

// A permutation under a key of its own: one canary does not tell the next, and a new
// thread does not pay for a block.
uint64_t random_canary(void)
{
    static _Atomic uint64_t made;
    uint64_t value =
        (atomic_fetch_add_explicit(&made, 1, memory_order_relaxed) + 1) ^ canary_key[0];
    value = (value ^ value >> 32) * UINT64_C(0x9e3779b97f4a7c15) ^ canary_key[1];
    value = (value ^ value >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    return (value ^ canary_key[0]) & CANARY_MASK;
}

static ts_status_t random_read(struct operation *operation)
{
    struct transfer transfer;
    ts_status_t status = transfer_init(&transfer, operation);
    while (status == TS_OK && transfer_left(&transfer) > 0) {
        uint8_t piece[PIECE];
        size_t part = transfer_left(&transfer) < PIECE ? transfer_left(&transfer) : PIECE;
        random_bytes(piece, part);
        status = transfer_to_user(&transfer, piece, part);
    }
    operation->value = transfer.done;
    return status;
}

static ts_status_t random_write(struct operation *operation)
{
    struct transfer transfer;
    ts_status_t status = transfer_init(&transfer, operation);
    while (status == TS_OK && transfer_left(&transfer) > 0) {
        uint8_t piece[CHACHA_KEY];
        size_t part = transfer_left(&transfer) < CHACHA_KEY ? transfer_left(&transfer) : CHACHA_KEY;
        status = transfer_from_user(&transfer, piece, part);
        if (status == TS_OK) {
            random_mix(piece, part);
        }
    }
    operation->value = transfer.done;
    return status;
}

static ts_status_t random_operate(struct object *object, struct operation *operation)
{
    (void)object;
    switch (operation->op) {
    case TS_OP_READ: return random_read(operation);
    case TS_OP_WRITE: return random_write(operation);
    default: return TS_ERR_UNSUPPORTED;
    }
}

// Never destroyed: random_init() keeps its reference.
static const struct object_class random_class = {
    .kind = TS_KIND_RANDOM,
    .name = "random",
    .rights = TS_RIGHT_READ | TS_RIGHT_WRITE | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER,
    .operate = random_operate,
};

struct object *random_object_get(void)
{
    object_get(&random_object);
    return &random_object;
}

void random_init(void)
{
    object_init(&random_object, &random_class);
    atomic_store(&random_object.signals, TS_SIGNAL_READABLE | TS_SIGNAL_WRITABLE);
    ts_time_t now = clock_now();
    random_mix(&now, sizeof(now));
    mix_jitter();
    if (!mix_hardware()) {
        log_warn("random: this CPU has no generator; entropy is weak until a program adds some");
    }
    random_bytes(canary_key, sizeof(canary_key));
}
