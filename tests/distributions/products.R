# SPDX-License-Identifier: BSD-3-Clause
# Three products of matrices of 60 x 50 and 50 x 40, and a solution of 30 equations: prints all digits.
a <- matrix(sin(1:3000), 60)
b <- matrix(sin(1:2000), 50)
for (i in 1:3)
  cat(sprintf("%a", (a * i) %*% b), "\n")
cat(sprintf("%a", solve(a[1:30, 1:30] + 30 * diag(30), rep(1, 30))), "\n")
