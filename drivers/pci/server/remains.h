// SPDX-License-Identifier: MIT
// The BARs and the interrupt line's number of functions that are being reset. A reset clears them,
// and nobody else knows what the firmware wrote there: so they are noted in the memory "remains",
// which the server's next instance is given, should this one die meanwhile.
#pragma once

#include <drivers/pci/config.h>
#include <tessera/lib/clock.h>

#define REMAINS_NAME     "remains"
#define REMAINS_NOTES    256u // as many as there are functions
#define REMAINS_RESET_NS (100 * TS_MILLISECOND)

// Takes the memory over, if there is one that is large enough; else what is noted dies with us.
void remains_open(void);

// Gives back what the last instance has left; waits until its resets are over. Before any function
// is looked at. `machine` gives the access; its address is ignored.
void remains_restore(const struct pci_function *machine);

// Before a function is reset, and when it should answer again: it is as it was then. Of one that
// does not answer the note stays, for the next instance.
void remains_note(const struct pci_function *f);
void remains_give_back(const struct pci_function *f);
