// SPDX-License-Identifier: MIT
// ChaCha20 blocks: the vectors of RFC 8439, 2.3.2 and appendix A.1.
#include <object/chacha.h>
#include <string.h>

#include "tests/host/check.h"

static void parse(const char *text, uint8_t *out, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned byte;
        CHECK(sscanf(text + 2 * i, "%2x", &byte) == 1);
        out[i] = (uint8_t)byte;
    }
}

static void expect(const uint32_t *key, uint32_t counter, const uint32_t *nonce, const char *text)
{
    uint8_t block[CHACHA_BLOCK], expected[CHACHA_BLOCK];
    CHECK(strlen(text) == 2 * CHACHA_BLOCK);
    parse(text, expected, CHACHA_BLOCK);
    chacha_block(key, counter, nonce, block);
    CHECK(memcmp(block, expected, CHACHA_BLOCK) == 0);
}

int main(void)
{
    uint32_t key[8] = {0};
    const uint32_t zero[3] = {0};
    // A.1, vectors 1 and 2
    expect(key, 0, zero,
           "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
           "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
    expect(key, 1, zero,
           "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
           "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
    // vector 3: the key's last byte is 1
    key[7] = 0x01000000;
    expect(key, 1, zero,
           "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a"
           "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0");
    // vector 4: the second byte is ff, counter 2
    key[7] = 0;
    key[0] = 0xff00;
    expect(key, 2, zero,
           "72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca"
           "13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096");
    // 2.3.2: key 00 01 .. 1f
    for (unsigned i = 0; i < 8; i++) {
        key[i] = 0x03020100u + 0x04040404u * i;
    }
    const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0};
    expect(key, 1, nonce,
           "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
           "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
    return 0;
}
