# SPDX-License-Identifier: MIT
"""The `test` command.

runner    finds tests, reports                    suites    where tests come from
lanes     runs tests side by side
guest     a booted machine to talk to            context   what a system test is given
tap       results that programs print
"""
