# SPDX-License-Identifier: MIT
"""The ./tessera command.

main      the command line             packages   what must be installed, and installing it
build     CMake, images                machine    an emulator and its serial line
run       the `run` command            terminal   the user's terminal as the guest's
bench     the `bench` command          bochs      what Bochs reads in place of QEMU's words
console   messages and progress        testing/   the `test` command
mutation/ changes of the source that tests must notice
"""
