# SPDX-License-Identifier: BSD-3-Clause
"""Three lines that have scikit-learn do known shares of the work. Prints the FLOPs of each, by the sizes of its matrices: a
product of n x k by k x m takes 2 n k m, half of it if only a triangle is computed; a Cholesky factorization n^3 / 3, and its
use for one right-hand side 2 n^2."""

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neural_network import MLPRegressor

rng = np.random.default_rng(1)
X, other = rng.random((400, 60)), rng.random((150, 60))
y = X @ rng.random(60)
work = {"fit": 0, "kernel": 0, "network": 0}


def fit():
    model = Ridge(solver="cholesky", fit_intercept=False).fit(X, y)  # here: fit
    n, d = X.shape
    work["fit"] += n * d * (d + 1) + 2 * n * d + d**3 / 3 + 2 * d**2
    return model


def kernel():
    K = polynomial_kernel(X, other, degree=1)  # here: kernel
    work["kernel"] += 2 * X.shape[0] * X.shape[1] * other.shape[0]
    return K


def network():
    """Layers of 60, 30 and 1 neurons: a product forward, and backward one for the weights and one for the neurons that are not
    inputs."""
    model.partial_fit(X, y)  # here: network
    n, inputs, hidden = X.shape[0], X.shape[1], 30
    work["network"] += 2 * n * (inputs * hidden + hidden) + 2 * n * (inputs * hidden + hidden) + 2 * n * hidden


model = MLPRegressor((30,), batch_size=X.shape[0])
for i in range(30):
    fit()
    network()
    if i % 3 == 0:
        kernel()
for name, flops in work.items():
    print(name, round(flops))
