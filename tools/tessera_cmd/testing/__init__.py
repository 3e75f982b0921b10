# SPDX-License-Identifier: MIT
"""The `test` command.

runner    finds tests, runs them, reports        suites    where tests come from
guest     a booted machine to talk to            context   what a system test is given
tap       results that programs print
"""
