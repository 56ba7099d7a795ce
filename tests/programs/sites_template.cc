// SPDX-License-Identifier: BSD-3-Clause
// sites_template.cc - calls through templates, a virtual function and a lambda, so that callers have long names.
#include "blas.h"

namespace shapes {

template <typename Number, int Order>
struct Product {
	Number a[Order * Order], b[Order * Order], c[Order * Order];

	__attribute__((noinline)) void multiply()
	{
		int n = Order;
		Number one = 1, zero = 0;

		dgemm_("N", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n, 1, 1);
		__asm__ volatile("" ::: "memory");
	}
};

struct Step {
	virtual ~Step() = default;
	virtual void take() = 0;
};

template <typename Action>
struct StepOf final : Step {
	Action action;

	explicit StepOf(Action chosen) : action(chosen) {}
	__attribute__((noinline)) void take() override
	{
		action();
		__asm__ volatile("" ::: "memory");
	}
};

}

int main()
{
	static shapes::Product<double, 100> large;
	static shapes::Product<double, 60> small;
	auto both = [] {
		large.multiply();
		small.multiply();
	};
	shapes::StepOf<decltype(both)> step(both);
	shapes::Step *one = &step;

	one->take();
	return 0;
}
