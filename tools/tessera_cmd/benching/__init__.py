# SPDX-License-Identifier: MIT
"""What `./tessera bench` is made of.

    budget      the rows of bench/budget.def, and what was measured of them
    counting    guests that count instructions instead of time: the programs in bench/
    plugin      QEMU's plugins in bench/plugin: counted and profiled instructions
    web, load   the web server
    versus      beside a Linux guest of the same run, which peer makes
    block       the disk
    starting    how soon, and in how little memory, a page is served
    profile     where the instructions of a row go
    table       printing
"""
