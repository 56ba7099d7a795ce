! SPDX-License-Identifier: BSD-3-Clause
! markers.f90 - tests every function of the module flopshim. With the argument `absent` it tests what they return without
! the shim. It must never depend on how a Fortran compiler passes arguments: the module alone decides that.
module answers
   use, intrinsic :: iso_c_binding
   use flopshim
   implicit none

contains

   ! Denies every call except one that costs 120 FLOPs in a scope.
   function count_and_run(call, context) bind(c) result(action)
      type(flopshim_exceeded), intent(in) :: call
      type(c_ptr), value :: context
      integer(c_int) :: action
      integer(c_int), pointer :: counter

      call c_f_pointer(context, counter)
      counter = counter + 1
      action = FLOPSHIM_DENY
      if (call%cost == 120 .and. call%limit_is_scope == 1) action = FLOPSHIM_WARN
   end function

end module answers

program markers
   use, intrinsic :: iso_c_binding
   use, intrinsic :: iso_fortran_env, only: int64, real64, error_unit
   use, intrinsic :: ieee_arithmetic
   use answers
   use flopshim
   implicit none
   integer :: failures = 0
   integer(c_int), target :: refusals = 0
   character(8) :: argument

   call get_command_argument(1, argument)
   if (argument == "absent") then
      call without_the_shim
   else
      call scopes
      call budgets
      call charges
      call questions
      call callback
      call threads
   end if
   if (failures > 0) stop 1

contains

   subroutine check(good, what)
      logical, intent(in) :: good
      character(*), intent(in) :: what

      if (good) return
      failures = failures + 1
      write (error_unit, "(2a)") "markers.f90: ", what
   end subroutine

   ! Makes a dot product of 2n FLOPs. True if it was run.
   logical function dot(n)
      integer, intent(in) :: n
      real(real64), external :: ddot
      real(real64) :: x(n)

      x = 1
      dot = nint(ddot(n, x, 1, x, 1)) == n
   end function

   subroutine scopes
      integer(int64) :: outer, inner

      call check(flopshim_present(), "present")
      outer = flopshim_begin("train")
      inner = flopshim_begin("forward   ") ! trailing blanks do not count
      call check(outer > 0 .and. inner > 0, "handles")
      call check(dot(10), "dot")
      call check(flopshim_used() == 20, "used of the open namespace")
      call check(flopshim_used(".train.forward") == 20, "used of an absolute name")
      call check(flopshim_end(outer) == 2, "end of both")
      call check(flopshim_end(inner) == FLOPSHIM_NOT_OPEN, "end of one that has ended")
      call check(flopshim_used("train") == 20, "used")
      call check(flopshim_calls("train") == 1, "calls")
      call check(flopshim_begin("a b") == FLOPSHIM_BAD_NAME, "wrong name")
      call check(flopshim_error_text(int(FLOPSHIM_BAD_NAME, int64)) == "not a name of a namespace", "error text")
   end subroutine

   subroutine budgets
      integer(int64) :: scope

      scope = flopshim_begin_budget("budgets", 99.5_real64)
      call check(flopshim_scope_remaining(scope) == 100, "rounded up")
      call check(dot(40), "fits")
      call check(flopshim_scope_used(scope) == 80, "used of the scope")
      call check(.not. dot(11), "refused")
      call check(dot(10), "exact fit")
      call check(flopshim_remaining() == 0, "remaining")
      call check(flopshim_end(scope) == 1, "end")
      scope = flopshim_begin_budget("budgets", 30_int64)
      call check(.not. dot(16), "budget of a whole number")
      call check(dot(15), "exact fit of a whole number")
      call check(flopshim_end(scope) == 1, "end of that")
      call check(flopshim_remaining("budgets") == FLOPSHIM_UNLIMITED, "unlimited")
      call check(flopshim_set_budget("budgets", 150.0_real64) == FLOPSHIM_OK, "set_budget")
      call check(flopshim_remaining("budgets") == 20, "what has been used stays used")
      call check(flopshim_set_budget("budgets", 1000_int64) == FLOPSHIM_OK, "set_budget of a whole number")
      call check(flopshim_begin_budget("x", ieee_value(1.0_real64, ieee_quiet_nan)) == FLOPSHIM_BAD_AMOUNT, "NaN")
      call check(flopshim_begin_budget("x", ieee_value(1.0_real64, ieee_positive_inf)) == FLOPSHIM_BAD_AMOUNT, "inf")
      call check(flopshim_begin_budget("x", 0_int64) == FLOPSHIM_BAD_AMOUNT, "zero")
      call check(flopshim_begin_budget("x", -1.0_real64) == FLOPSHIM_BAD_AMOUNT, "negative")
      call check(flopshim_set_budget("x", 2.0_real64**63) == FLOPSHIM_BAD_AMOUNT, "2^63")
      call check(flopshim_set_multiplier("twice", 2.0_real64) == FLOPSHIM_OK, "set_multiplier")
      call check(flopshim_set_multiplier("twice", 0.0_real64) == FLOPSHIM_BAD_AMOUNT, "multiplier of zero")
      scope = flopshim_begin("twice")
      call check(dot(10), "dot in twice")
      call check(flopshim_used() == 40, "multiplied")
      call check(flopshim_end(scope) == 1, "end of twice")
   end subroutine

   subroutine charges
      type(flopshim_shape) :: shapes(2)
      integer(int64) :: scope

      shapes(1) = flopshim_shape(2, [integer(int64) :: 10, 20, 0, 0, 0, 0, 0, 0])
      shapes(2) = flopshim_shape(1, [integer(int64) :: 20, 0, 0, 0, 0, 0, 0, 0])
      scope = flopshim_begin_budget("charges", 500_int64)
      call check(flopshim_charge("einsum", 400_int64, "ij,j->i", shapes) == FLOPSHIM_OK, "charge")
      call check(flopshim_charge("einsum", 101_int64) == FLOPSHIM_REFUSED, "charge that does not fit")
      call check(flopshim_charge("einsum", 100_int64, shapes=shapes) == FLOPSHIM_OK, "charge without subscripts")
      call check(flopshim_charge("einsum", -1_int64) == FLOPSHIM_BAD_AMOUNT, "negative charge")
      call check(flopshim_charge("", 1_int64) == FLOPSHIM_BAD_ARGUMENT, "charge without a name")
      call check(flopshim_scope_used(scope) == 500, "charged")
      call check(flopshim_end(scope) == 1, "end of charges")
   end subroutine

   subroutine questions
      character(:), allocatable :: text

      call check(flopshim_cost("dgemm", "m=300 n=400 k=200") == 48000000_int64, "cost")
      call check(flopshim_cost("nonesuch", "") == FLOPSHIM_NO_ROUTINE, "no routine")
      call check(flopshim_cost("dgemm", "q=1") == FLOPSHIM_BAD_ARGUMENT, "no argument")
      text = flopshim_summary()
      call check(index(text, "ddot") > 0, "summary")
      text = flopshim_summary(ior(FLOPSHIM_JSON, FLOPSHIM_BY_NAMESPACE))
      call check(text(1:1) == "{" .and. text(len(text):) == "}" .and. index(text, '"train.forward"') > 0, "JSON")
      call check(flopshim_reset() == FLOPSHIM_OK, "reset")
      call check(index(flopshim_summary(), "ddot") == 0, "summary after reset")
      call check(flopshim_used("train") == 20, "used after reset")
      call check(flopshim_quiet(1) == 0, "quiet")
      call check(flopshim_quiet(0) == 1, "quiet no more")
   end subroutine

   subroutine callback
      integer(int64) :: scope

      call check(flopshim_on_exceed(c_funloc(count_and_run), c_loc(refusals)) == FLOPSHIM_OK, "on_exceed")
      scope = flopshim_begin_budget("callback", 100_int64)
      call check(.not. dot(51), "denied by the callback")
      call check(dot(60), "let run by the callback")
      call check(refusals == 2, "times that it was asked")
      call check(flopshim_used() == 120, "charged all the same")
      call check(flopshim_end(scope) == 1, "end of callback")
      call check(flopshim_on_exceed(c_null_funptr) == FLOPSHIM_OK, "no callback")
   end subroutine

   ! Threads of an OpenMP pool charge to the scope of the thread that created them.
   subroutine threads
      integer(int64) :: scope
      integer :: i, ran

      scope = flopshim_begin_budget("threads", 10000_int64)
      ran = 0
      !$omp parallel do num_threads(4) reduction(+:ran)
      do i = 1, 1000
         if (dot(10)) ran = ran + 1
      end do
      call check(ran == 500, "calls of the pool that fit")
      call check(flopshim_scope_used(scope) == 10000, "charged by the pool")
      call check(flopshim_end(scope) == 1, "end of threads")
   end subroutine

   subroutine without_the_shim
      integer(int64) :: scope

      call check(.not. flopshim_present(), "present")
      scope = flopshim_begin_budget("a", 10_int64)
      call check(scope == FLOPSHIM_ABSENT, "begin_budget")
      call check(flopshim_begin("a") == FLOPSHIM_ABSENT, "begin")
      call check(dot(100), "dot")
      call check(flopshim_end(scope) == FLOPSHIM_ABSENT, "end")
      call check(flopshim_set_budget("a", 1e9_real64) == FLOPSHIM_ABSENT, "set_budget")
      call check(flopshim_set_multiplier("a", 2.0_real64) == FLOPSHIM_ABSENT, "set_multiplier")
      call check(flopshim_charge("a", 1_int64) == FLOPSHIM_ABSENT, "charge")
      call check(flopshim_used() == FLOPSHIM_ABSENT, "used")
      call check(flopshim_remaining("a") == FLOPSHIM_ABSENT, "remaining")
      call check(flopshim_calls() == FLOPSHIM_ABSENT, "calls")
      call check(flopshim_scope_used(scope) == FLOPSHIM_ABSENT, "scope_used")
      call check(flopshim_scope_remaining(scope) == FLOPSHIM_ABSENT, "scope_remaining")
      call check(flopshim_cost("dgemm", "m=1") == FLOPSHIM_ABSENT, "cost")
      call check(flopshim_summary() == "", "summary")
      call check(flopshim_reset() == FLOPSHIM_ABSENT, "reset")
      call check(flopshim_quiet(1) == FLOPSHIM_ABSENT, "quiet")
      call check(flopshim_on_exceed(c_null_funptr) == FLOPSHIM_ABSENT, "on_exceed")
   end subroutine

end program markers
