# SPDX-License-Identifier: BSD-3-Clause
"""Trains a small network in NumPy within a budget of FLOPs.

    PYTHONPATH=../bindings python3 train.py             runs as if flopshim did not exist (and says so)
    PYTHONPATH=../bindings flopshim python3 train.py    20 epochs, or as many as 20 million FLOPs allow
    PYTHONPATH=../bindings flopshim python3 train.py 4e6    7 epochs

Every product of matrices is charged to the namespace that is open: train.forward or train.backward. The one that does
not fit raises flopshim.BudgetExhaustedError where its result would have come; the weights are those of the last
step that was complete."""

import sys

import numpy as np

import flopshim

SAMPLES, INPUTS, HIDDEN, EPOCHS, RATE = 256, 16, 32, 20, 0.1
BUDGET = float(sys.argv[1]) if len(sys.argv) > 1 else 20e6


def data():
    random = np.random.default_rng(1)
    x = random.standard_normal((SAMPLES, INPUTS))
    return x, np.sin(x[:, :1] + x[:, 1:2])


@flopshim.namespace("forward")
def forward(x, w1, w2):
    hidden = np.tanh(x @ w1)
    return hidden, hidden @ w2


@flopshim.namespace("backward")
def backward(x, hidden, error, w2):
    into_hidden = (error @ w2.T) * (1 - hidden**2)
    return x.T @ into_hidden / SAMPLES, hidden.T @ error / SAMPLES


def main():
    x, y = data()
    random = np.random.default_rng(2)
    w1 = random.standard_normal((INPUTS, HIDDEN)) / 4
    w2 = random.standard_normal((HIDDEN, 1)) / 4
    loss, epoch = None, 0
    with flopshim.budget(BUDGET, namespace="train") as spent:
        try:
            for epoch in range(EPOCHS):
                hidden, answer = forward(x, w1, w2)
                error = answer - y
                loss = float((error**2).mean())
                step1, step2 = backward(x, hidden, error, w2)
                w1, w2 = w1 - RATE * step1, w2 - RATE * step2
            epoch += 1
        except flopshim.BudgetExhaustedError as refused:
            print(f"stopped in epoch {epoch + 1} by {refused.operation}: {refused.cost:,} FLOPs asked for, "
                  f"{refused.remaining:,} left")
    print(f"{epoch} epochs, loss {loss:.4f}, {spent.used:,} FLOPs")


if __name__ == "__main__":
    main()
