# SPDX-License-Identifier: MIT
"""The ./tessera command.

main      the command line             packages   what must be installed, and installing it
build     CMake, images                machine    an emulator and its serial line
run       the `run` command            terminal   the user's terminal as the guest's
bench     the `bench` command          testing/   the `test` command
console   messages and progress          mutation/  changes of the source that tests must notice
"""
