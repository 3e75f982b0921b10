# SPDX-License-Identifier: MIT
"""Mutants: single changes of the source that tests have to notice.

source    changes that can be made to a file      choice    which of them are made
tree      the tree that they are made in          judge     what the tests say to one
report    results that are kept, and their sum    run       all of it
"""
