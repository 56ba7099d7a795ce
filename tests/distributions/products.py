# SPDX-License-Identifier: BSD-3-Clause
"""Three products of matrices of 60 x 50 and 50 x 40, in three threads, and a solution of 30 equations: prints all bytes."""

import threading

import numpy

a, b = (numpy.sin(numpy.arange(m * n, dtype=float)).reshape(m, n) for m, n in ((60, 50), (50, 40)))
results = [None] * 3


def work(i):
    results[i] = (a * (i + 1)) @ b


threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for result in results:
    print(result.tobytes().hex())
print(numpy.linalg.solve(a[:30, :30] + 30 * numpy.eye(30), numpy.ones(30)).tobytes().hex())
