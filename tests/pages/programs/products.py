"""Makes products of matrices in two functions: 3 x 2*300*400*200 = 144,000,000 FLOPs in `large` and 8 x 2*100*100*100 =
16,000,000 in `small`, and solves a system. The tests know these numbers; so do not change them alone."""

import numpy


def large(times):
    a, b = numpy.ones((300, 200)), numpy.ones((200, 400))
    for _ in range(times):
        a @ b


def small(times):
    a, b = numpy.ones((100, 100)), numpy.eye(100)
    for _ in range(times):
        a @ b


def solve():
    numpy.linalg.solve(numpy.eye(60) + 1, numpy.ones(60))


def main():
    large(3)
    small(8)
    solve()


main()
