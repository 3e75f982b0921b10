// SPDX-License-Identifier: MIT
// Faults on purpose, to see that each is found and that its panic says what it should.
#pragma once

// `panic=WORD` on the command line asks for one (docs/testing.md). In a thread, kernel/mm ready.
void provoke(void);
