# SPDX-License-Identifier: BSD-3-Clause
# Runs one operation of R, and prints its result to the last bit: Rscript linalg.R NAME. It must never make another call
# of BLAS.

numbers <- function(m, n) {
    # These numbers are the same on every machine, and are made without a matrix product.
    k <- (1:(m * n))^2 %% 1000003
    matrix((k^2 + k) %% 1000003 / 1000003 - 0.5, m, n)
}

print_result <- function(x) {
    for (part in if (is.list(x)) x else list(x))
        cat(sprintf("%a", c(Re(part), Im(part))), sep = "\n")
}

operations <- list(
    multiply = function() numbers(300, 200) %*% numbers(200, 400),
    crossprod = function() crossprod(numbers(300, 200)),
    solve = function() solve(numbers(200, 200), numbers(200, 3)),
    inverse = function() solve(numbers(200, 200)),
    svd = function() svd(numbers(120, 80)),
    eigen = function() unclass(eigen(numbers(100, 100))),
    eigen_symmetric = function() {
        a <- numbers(100, 100)
        unclass(eigen(a + t(a)))
    },
    chol = function() chol(crossprod(numbers(100, 50)) + 10 * diag(50)),
    no_blas = function() sum(sort(numbers(50, 50)))
)

print_result(operations[[commandArgs(trailingOnly = TRUE)]]())
