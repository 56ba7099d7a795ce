# SPDX-License-Identifier: BSD-3-Clause
# code.R LIBRARY - calls functions of tests/programs/code_r.c, and BLAS through R itself. Prints the FLOPs of each function,
# and of R's product.
dyn.load(commandArgs(TRUE)[1])
n <- 20L
a <- matrix(1, n, n)
work <- c(forward = 0, gram = 0, backward = 0, R = 0)
for (i in 1:300) {
	work["forward"] <- work["forward"] + .C("forward", a, a, a, n, flops = 0)$flops
	work["gram"] <- work["gram"] + .C("gram", a, a, n, flops = 0)$flops
	for (j in 1:2)
		work["backward"] <- work["backward"] + .C("backward", a, a, a, n, flops = 0)$flops
	if (i %% 5 == 0) {
		crossprod(a)
		work["R"] <- work["R"] + n * (n + 1) * n
	}
}
for (name in names(work))
	cat(name, format(work[[name]], scientific = FALSE), "\n")
