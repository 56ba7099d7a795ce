"""Decomposes and clusters random data by scikit-learn."""

import numpy
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression


def reduce(data):
    return PCA(n_components=5, svd_solver="full").fit_transform(data)


def main():
    data = numpy.random.default_rng(1).normal(size=(600, 40))
    KMeans(n_clusters=4, n_init=2, random_state=1).fit(reduce(data))
    LinearRegression().fit(data, data[:, 0])


main()
