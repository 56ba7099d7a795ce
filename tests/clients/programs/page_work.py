# SPDX-License-Identifier: BSD-3-Clause
"""page_work.py [WORD ...]: products of matrices from two functions, in two namespaces, under a budget that refuses one of them,
and a charge of its own. Prints the FLOPs of each part, which it counts itself. The first WORD is the name of the charge; all are
arguments that a page must not take for markup. It must make no call of BLAS that it does not count."""

import sys

import flopshim
import numpy

CHARGE = sys.argv[1] if len(sys.argv) > 1 else "my kernel"


def product(m, n, k):
    numpy.ones((m, k)) @ numpy.ones((k, n))
    return 2 * m * n * k


def train():
    return sum(product(40, 50, 60 + step) for step in range(5))


def evaluate():
    return product(100, 100, 100) + product(30, 40, 50)


with flopshim.namespace("train"):
    trained = train()
with flopshim.namespace("evaluate"):
    evaluated = evaluate()
    with flopshim.budget(10 ** 6, namespace="small"):
        try:
            product(200, 200, 200)
        except flopshim.BudgetExhaustedError:
            pass
flopshim.charge(CHARGE, 12345)
print(trained, evaluated)
