"""Fits a Gaussian process, reduces data, and trains two layers: the run in the pictures of docs/pictures."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

rng = np.random.default_rng(7)


def kernel(a, b):
    return np.exp(-0.5 * ((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T))


def fit_process(n):
    x = rng.normal(size=(n, 12))
    k = kernel(x, x) + 1e-2 * np.eye(n)
    factor = np.linalg.cholesky(k)
    return np.linalg.solve(factor.T, np.linalg.solve(factor, rng.normal(size=(n, 3))))


def forward(x, w1, w2):
    return np.tanh(x @ w1) @ w2


def train(steps):
    w1, w2 = rng.normal(size=(256, 512)) / 16, rng.normal(size=(512, 32)) / 22
    for _ in range(steps):
        x = rng.normal(size=(400, 256))
        y = forward(x, w1, w2)
        grad = np.tanh(x @ w1).T @ y
        w2 -= 1e-6 * grad


def reduce(n, m):
    data = rng.normal(size=(n, m))
    z = PCA(n_components=10, svd_solver="full").fit_transform(data)
    return Ridge().fit(z, data[:, 0])


def spectrum(n):
    a = rng.normal(size=(n, n))
    return np.linalg.eigvalsh(a + a.T)


def main():
    for n in (150, 300, 600):
        fit_process(n)
    train(30)
    for n, m in ((500, 60), (800, 120)):
        reduce(n, m)
    spectrum(250)


main()
