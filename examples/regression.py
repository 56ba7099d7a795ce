# SPDX-License-Identifier: BSD-3-Clause
"""Ridge regression in plain NumPy. Nobody prepared this program for flopshim; it does not know of it.

    python3 regression.py
    flopshim python3 regression.py                  counts; then: flopshim-report
    FLOPSHIM_BUDGET=5M flopshim python3 regression.py       ends with status 121 at the call that passes 5 million FLOPs
    FLOPSHIM_BUDGET=5M FLOPSHIM_ON_EXCEED=warn flopshim python3 regression.py       says so, and goes on
"""

import numpy as np

SAMPLES, FEATURES = 500, 60

random = np.random.default_rng(0)
x = random.standard_normal((SAMPLES, FEATURES))
truth = random.standard_normal(FEATURES)
y = x @ truth + 0.1 * random.standard_normal(SAMPLES)

print("penalty  error of the weights")
for penalty in (0.01, 1.0, 100.0):
    weights = np.linalg.solve(x.T @ x + penalty * np.eye(FEATURES), x.T @ y)
    print(f"{penalty:7.2f}  {np.abs(weights - truth).max():.4f}")
