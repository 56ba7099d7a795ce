# SPDX-License-Identifier: BSD-3-Clause
"""What the NumPy and SciPy programs share: numbers that are the same in every run, and printing of results to the last bit.
It must never use a matrix product itself, which would be counted."""

import hashlib
import sys

import numpy as np

random = np.random.RandomState(20)


def normal(*shape):
    return random.standard_normal(shape)


def print_result(name, value):
    if isinstance(value, (tuple, list)):
        for i, part in enumerate(value):
            print_result(f"{name}[{i}]", part)
        return
    value = np.asarray(value)
    print(name, value.dtype, value.shape, hashlib.sha256(value.tobytes()).hexdigest())


def run(operations):
    """Runs the operation that the command line names."""
    print_result(sys.argv[1], operations[sys.argv[1]]())
