#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Ridge regression and principal components of made-up data: plain NumPy that knows nothing of flopshim.

    flopshim python3 regression.py
"""
import numpy as np

rng = np.random.default_rng(1)
samples, features = 2000, 60
data = rng.standard_normal((samples, features))
truth = rng.standard_normal(features)
target = data @ truth + 0.1 * rng.standard_normal(samples)

gram = data.T @ data                                    # dsyrk: NumPy sees that it is symmetric
weights = np.linalg.solve(gram + 0.1 * np.eye(features), data.T @ target)
print(f"largest error of a weight: {np.abs(weights - truth).max():.3f}")

values, vectors = np.linalg.eigh(gram / samples)
scores = data @ vectors[:, -5:]
print(f"variance of the first component: {values[-1]:.3f}, of its scores: {scores[:, -1].var():.3f}")
