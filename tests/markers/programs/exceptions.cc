// SPDX-License-Identifier: BSD-3-Clause
// exceptions.cc - tests flopshim::scope and the block form under C++ exceptions, and an exceed callback that throws.
// It must never leave a scope open by hand: exceptions alone end them.
#include <flopshim.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "work.h"

static_assert(!std::is_copy_constructible<flopshim::scope>::value, "a scope is one");

#define CHECK(condition)                                                        \
	do {                                                                    \
		if (!(condition)) {                                             \
			std::fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
			return false;                                           \
		}                                                               \
	} while (0)

namespace {

struct refused : std::runtime_error {
	explicit refused(const flopshim_exceeded &call)
	    : std::runtime_error(call.call), operation(call.operation), cost(call.cost), remaining(call.remaining)
	{
	}
	std::string operation;
	int64_t cost, remaining;
};

flopshim_action raise(const flopshim_exceeded *call, void *)
{
	throw refused(*call);
}

bool scope_ends_with_its_object()
{
	{
		flopshim::scope forward("forward");
		CHECK(forward.handle() > 0);
		CHECK(dot(10));
		CHECK(forward.used() == 20);
	}
	CHECK(dot(5));
	CHECK(flopshim_used("forward") == 20);
	CHECK(flopshim_used(nullptr) == 30);
	{
		flopshim::scope wrong("a b", 10);
		CHECK(wrong.handle() == FLOPSHIM_BAD_NAME);
		CHECK(dot(10));
	}
	CHECK(flopshim_used(nullptr) == 50);
	return true;
}

void fail_inside(int depth)
{
	flopshim::scope scope("deep", 1000);

	dot(1);
	if (!depth)
		throw std::runtime_error("deep");
	FLOPSHIM_SCOPE("block")
		fail_inside(depth - 1);
}

bool scopes_end_when_exceptions_leave_them()
{
	const int64_t before = flopshim_used(nullptr);

	for (int i = 0; i < 1000; i++) {
		try {
			fail_inside(5);
			CHECK(!"thrown");
		} catch (const std::runtime_error &) {
		}
		CHECK(dot(1)); // all scopes have ended
	}
	CHECK(flopshim_used("deep") == 1000 * 6 * 2);
	CHECK(flopshim_used("deep.block.deep") == 1000 * 5 * 2);
	CHECK(flopshim_used(nullptr) - before - flopshim_used("deep") == 1000 * 2);
	return true;
}

bool callback_may_throw()
{
	int thrown = 0;

	flopshim_on_exceed(raise, nullptr);
	for (int i = 0; i < 1000; i++) {
		flopshim::scope scope("a", 100);
		try {
			product(3, 4, 5);
			CHECK(!"thrown");
		} catch (const refused &call) {
			CHECK(call.operation == "dgemm" && call.cost == 120 && call.remaining == 100);
			thrown++;
		}
		CHECK(scope.used() == 0); // the call was not run, so it is not charged
		CHECK(dot(50));           // later calls are counted
		CHECK(scope.remaining() == 0);
	}
	CHECK(thrown == 1000);
	CHECK(flopshim_used("a") == 1000 * 100);
	CHECK(flopshim_calls("a") == 1000);
	flopshim_on_exceed(nullptr, nullptr);
	return true;
}

bool callback_may_throw_in_every_thread()
{
	std::vector<std::thread> threads;
	std::vector<int> caught(4);
	flopshim::scope scope("b", 100);

	flopshim_on_exceed(raise, nullptr);
	for (int i = 0; i < 4; i++)
		threads.emplace_back([&caught, i] {
			for (int j = 0; j < 500; j++)
				try {
					product(3, 4, 5);
				} catch (const refused &) {
					caught[i]++;
				}
		});
	for (auto &thread : threads)
		thread.join();
	for (int times : caught)
		CHECK(times == 500);
	CHECK(scope.used() == 0);
	flopshim_on_exceed(nullptr, nullptr);
	return true;
}

} // namespace

int main()
{
	return scope_ends_with_its_object() && scopes_end_when_exceptions_leave_them() && callback_may_throw() &&
			       callback_may_throw_in_every_thread()
		       ? 0
		       : 1;
}
