! SPDX-License-Identifier: BSD-3-Clause
!
! module flopshim: markers for Fortran, with the names and meanings of flopshim.h.
! It must never need a library at link time, nor change what a program does without the shim.
!
! Compile it with the program. Under the shim (`flopshim ./program`) the functions find it by one dlsym; without the shim
! each function is a no-op that returns FLOPSHIM_ABSENT. Every function may be called from any thread, but not from a
! signal handler.
!
!     use flopshim
!     integer(int64) :: scope
!     scope = flopshim_begin_budget("forward", 1e9_real64)   ! namespace forward, at most 1e9 FLOPs until its end
!     call dgemm(...)
!     scope = flopshim_end(scope)
!
! Amounts are FLOPs: integer(int64), or for a budget also real(real64), which is rounded up. The name of a namespace is a
! dotted path such as `train.forward`, relative to the namespace that is open in the calling thread; a leading dot makes
! it absolute, an empty name is the open namespace itself, "." is the root. Trailing blanks are ignored. A function that
! fails returns a negative number, one of FLOPSHIM_ABSENT to FLOPSHIM_UNPRICED, and changes nothing.

module flopshim
   use, intrinsic :: iso_c_binding
   use, intrinsic :: iso_fortran_env, only: int32, int64, real64
   implicit none
   private

   integer(int64), parameter, public :: FLOPSHIM_UNLIMITED = huge(0_int64)

   integer, parameter, public :: FLOPSHIM_OK = 0
   integer, parameter, public :: FLOPSHIM_ABSENT = -1       ! the shim is not loaded
   integer, parameter, public :: FLOPSHIM_BAD_NAME = -2     ! empty segment, wrong character, over 1,023 bytes
   integer, parameter, public :: FLOPSHIM_BAD_AMOUNT = -3   ! zero, negative, NaN, infinite, or 2^63 and above
   integer, parameter, public :: FLOPSHIM_NOT_OPEN = -4     ! the scope is not open in this thread
   integer, parameter, public :: FLOPSHIM_NO_ROUTINE = -5   ! no routine of this name
   integer, parameter, public :: FLOPSHIM_BAD_ARGUMENT = -6 ! an argument is unknown, missing or out of range
   integer, parameter, public :: FLOPSHIM_NO_MEMORY = -7
   integer, parameter, public :: FLOPSHIM_TOO_MANY = -8     ! more namespaces or shapes than can be kept
   integer, parameter, public :: FLOPSHIM_REFUSED = -9      ! the work does not fit in a budget: do not do it
   integer, parameter, public :: FLOPSHIM_UNPRICED = -10    ! the routine has no price

   ! The result of a flopshim_exceed_callback: what happens to the call. INFO of a denied call says whose limit refused
   ! it: -1001 a namespace's, -1002 a scope's, -1003 that of the process.
   integer(c_int), parameter, public :: FLOPSHIM_DEFAULT = 0 ! do what FLOPSHIM_ON_EXCEED says
   integer(c_int), parameter, public :: FLOPSHIM_EXIT = 1    ! end the process
   integer(c_int), parameter, public :: FLOPSHIM_SIGNAL = 2  ! raise the signal; if the thread goes on, deny
   integer(c_int), parameter, public :: FLOPSHIM_DENY = 3    ! return, outputs untouched, INFO -1001 to -1003
   integer(c_int), parameter, public :: FLOPSHIM_WARN = 4    ! run it, charge it, record it as over budget

   ! Arguments of flopshim_summary: text or JSON; FLOPSHIM_BY_NAMESPACE may be added to either.
   integer(c_int), parameter, public :: FLOPSHIM_TEXT = 0, FLOPSHIM_JSON = 1, FLOPSHIM_BY_NAMESPACE = 2

   ! A call that does not fit in a budget, as the callback sees it. It is valid during the callback; flopshim.h describes
   ! the components. The texts are C strings.
   type, bind(c), public :: flopshim_exceeded
      type(c_ptr) :: operation
      type(c_ptr) :: call
      integer(c_int64_t) :: cost
      integer(c_int64_t) :: remaining
      integer(c_int64_t) :: limit
      type(c_ptr) :: namespace_name
      integer(c_int32_t) :: limit_is_scope
      integer(c_int64_t) :: caller
   end type

   ! The extents of one operand of work that the program charges by flopshim_charge.
   type, bind(c), public :: flopshim_shape
      integer(c_int32_t) :: rank = 0 ! 0 to 8
      integer(c_int64_t) :: extents(8) = 0
   end type

   abstract interface
      ! Decides about a call that does not fit, in the thread of the call. Returns one of FLOPSHIM_DEFAULT to FLOPSHIM_WARN.
      function flopshim_exceed_callback(call, context) bind(c) result(action)
         import :: c_int, c_ptr, flopshim_exceeded
         type(flopshim_exceeded), intent(in) :: call
         type(c_ptr), value :: context
         integer(c_int) :: action
      end function
   end interface

   ! The budget may be real or integer.
   interface flopshim_begin_budget
      module procedure begin_budget_real, begin_budget_integer
   end interface
   interface flopshim_set_budget
      module procedure set_budget_real, set_budget_integer
   end interface

   public :: flopshim_exceed_callback
   public :: flopshim_present, flopshim_begin, flopshim_begin_budget, flopshim_end, flopshim_set_budget
   public :: flopshim_set_multiplier, flopshim_charge, flopshim_used, flopshim_remaining, flopshim_calls
   public :: flopshim_scope_used, flopshim_scope_remaining, flopshim_cost, flopshim_summary, flopshim_reset
   public :: flopshim_on_exceed, flopshim_quiet, flopshim_error_text, flopshim_amount

   ! ---- struct flopshim_api of flopshim.h, and the types of its functions ----

   type, bind(c) :: api_table
      integer(c_int32_t) :: size, version
      type(c_funptr) :: begin, end, set_budget, set_multiplier, charge, used, remaining, calls, scope_used, &
         scope_remaining, cost, summary, reset, on_exceed, quiet, dump_path
   end type

   abstract interface
      function begin_function(name, budget) bind(c) result(scope)
         import :: c_char, c_int64_t
         character(kind=c_char), intent(in) :: name(*)
         integer(c_int64_t), value :: budget
         integer(c_int64_t) :: scope
      end function
      function handle_function(scope) bind(c) result(answer)
         import :: c_int64_t
         integer(c_int64_t), value :: scope
         integer(c_int64_t) :: answer
      end function
      function set_function(name, amount) bind(c) result(error)
         import :: c_char, c_int64_t, c_int
         character(kind=c_char), intent(in) :: name(*)
         integer(c_int64_t), value :: amount
         integer(c_int) :: error
      end function
      function charge_function(operation, flops, subscripts, count, shapes) bind(c) result(error)
         import :: c_char, c_int64_t, c_int, c_ptr, flopshim_shape
         character(kind=c_char), intent(in) :: operation(*)
         integer(c_int64_t), value :: flops
         type(c_ptr), value :: subscripts
         integer(c_int), value :: count
         type(flopshim_shape), intent(in) :: shapes(*)
         integer(c_int) :: error
      end function
      function name_function(name) bind(c) result(answer)
         import :: c_char, c_int64_t
         character(kind=c_char), intent(in) :: name(*)
         integer(c_int64_t) :: answer
      end function
      function cost_function(routine, arguments) bind(c) result(flops)
         import :: c_char, c_int64_t
         character(kind=c_char), intent(in) :: routine(*), arguments(*)
         integer(c_int64_t) :: flops
      end function
      function summary_function(buffer, size, kind_of_it) bind(c) result(length)
         import :: c_char, c_int64_t, c_int, c_size_t
         character(kind=c_char), intent(inout) :: buffer(*)
         integer(c_size_t), value :: size
         integer(c_int), value :: kind_of_it
         integer(c_int64_t) :: length
      end function
      function plain_function() bind(c) result(error)
         import :: c_int
         integer(c_int) :: error
      end function
      function on_exceed_function(callback, context) bind(c) result(error)
         import :: c_funptr, c_ptr, c_int
         type(c_funptr), value :: callback
         type(c_ptr), value :: context
         integer(c_int) :: error
      end function
      function quiet_function(quiet) bind(c) result(before)
         import :: c_int
         integer(c_int), value :: quiet
         integer(c_int) :: before
      end function
   end interface

   interface
      function dlsym(handle, symbol) bind(c, name="dlsym") result(address)
         import :: c_ptr, c_char
         type(c_ptr), value :: handle
         character(kind=c_char), intent(in) :: symbol(*)
         type(c_ptr) :: address
      end function
   end interface

   type(api_table), pointer, save :: api => null()
   logical, volatile, save :: looked = .false. ! two threads that race look the symbol up twice

contains

   ! Returns .true. if the shim is loaded in this process.
   logical function flopshim_present()
      type(c_ptr) :: address

      if (.not. looked) then
         address = dlsym(c_null_ptr, "flopshim_api_1" // c_null_char) ! a null handle is RTLD_DEFAULT
         if (c_associated(address)) call c_f_pointer(address, api)
         looked = .true.
      end if
      flopshim_present = associated(api)
   end function

   ! Returns a number of FLOPs rounded up to an integer; 0 if it is not a valid budget (see FLOPSHIM_BAD_AMOUNT).
   integer(int64) function flopshim_amount(flops) result(whole)
      real(real64), intent(in) :: flops

      whole = 0
      if (.not. (flops > 0 .and. flops < 2.0_real64**63)) return
      whole = int(flops, int64)
      if (real(whole, real64) < flops) whole = whole + 1
   end function

   ! Returns a name as a C string, without trailing blanks.
   function c_name(name)
      character(*), intent(in) :: name
      character(:), allocatable :: c_name

      c_name = trim(name) // c_null_char
   end function

   ! Opens a scope on a namespace in the calling thread: its work is charged there until flopshim_end. Returns the handle of
   ! the scope, which is > 0, or an error.
   integer(int64) function flopshim_begin(name) result(scope)
      character(*), intent(in) :: name

      scope = begin_budget_integer(name, FLOPSHIM_UNLIMITED)
   end function

   ! The same with a budget: at most `flops` FLOPs are charged inside, in nested scopes and by other threads included.
   integer(int64) function begin_budget_integer(name, flops) result(scope)
      character(*), intent(in) :: name
      integer(int64), intent(in) :: flops
      procedure(begin_function), pointer :: begin

      scope = FLOPSHIM_ABSENT
      if (.not. flopshim_present()) return
      call c_f_procpointer(api%begin, begin)
      scope = begin(c_name(name), flops)
   end function

   integer(int64) function begin_budget_real(name, flops) result(scope)
      character(*), intent(in) :: name
      real(real64), intent(in) :: flops

      scope = begin_budget_integer(name, flopshim_amount(flops))
   end function

   ! Ends a scope of the calling thread and the scopes inside it that are open. Returns how many scopes it has ended, or
   ! FLOPSHIM_NOT_OPEN if the scope has ended already or is another thread's.
   integer(int64) function flopshim_end(scope) result(ended)
      integer(int64), intent(in) :: scope

      ended = FLOPSHIM_ABSENT
      if (flopshim_present()) ended = ask_handle(api%end, scope)
   end function

   ! Sets or replaces the budget of a namespace, over the whole life of the process: what has been charged there before
   ! counts. Returns 0 or an error.
   integer function set_budget_integer(name, flops) result(error)
      character(*), intent(in) :: name
      integer(int64), intent(in) :: flops

      error = FLOPSHIM_ABSENT
      if (flopshim_present()) error = set_value(api%set_budget, name, flops)
   end function

   integer function set_budget_real(name, flops) result(error)
      character(*), intent(in) :: name
      real(real64), intent(in) :: flops

      error = set_budget_integer(name, flopshim_amount(flops))
   end function

   ! Sets the factor of a namespace, > 0 and below 2^31: what is charged there from now on is multiplied by it, and by the
   ! factors of the namespaces around it. Returns 0 or an error.
   integer function flopshim_set_multiplier(name, factor) result(error)
      character(*), intent(in) :: name
      real(real64), intent(in) :: factor

      error = FLOPSHIM_ABSENT
      if (.not. flopshim_present()) return
      error = FLOPSHIM_BAD_AMOUNT
      if (.not. (factor > 0 .and. factor < 2.0_real64**31)) return
      error = set_value(api%set_multiplier, name, int(factor * 2.0_real64**32 + 0.5_real64, int64))
   end function

   ! Charges work that is not a BLAS or LAPACK call: `flops` FLOPs (0 or more) under the name `operation`. The record also
   ! keeps `subscripts` ("ij,jk->ik") and the shapes of up to 8 operands. Call it before the work: FLOPSHIM_REFUSED means
   ! that the work does not fit, and should not be done. Returns 0 or an error.
   integer function flopshim_charge(operation, flops, subscripts, shapes) result(error)
      character(*), intent(in) :: operation
      integer(int64), intent(in) :: flops
      character(*), intent(in), optional :: subscripts
      type(flopshim_shape), intent(in), optional :: shapes(:)
      character(:), allocatable, target :: text
      type(flopshim_shape), allocatable :: given(:)
      procedure(charge_function), pointer :: charge
      type(c_ptr) :: where_text

      error = FLOPSHIM_ABSENT
      if (.not. flopshim_present()) return
      where_text = c_null_ptr
      if (present(subscripts)) then
         text = c_name(subscripts)
         where_text = c_loc(text)
      end if
      allocate (given(0))
      if (present(shapes)) given = shapes
      call c_f_procpointer(api%charge, charge)
      error = charge(c_name(operation), flops, where_text, size(given), given)
   end function

   ! Returns the FLOPs charged to a namespace and to those inside it since the process began, or an error.
   integer(int64) function flopshim_used(name) result(flops)
      character(*), intent(in), optional :: name

      flops = FLOPSHIM_ABSENT
      if (flopshim_present()) flops = ask_name(api%used, name)
   end function

   ! Returns the FLOPs that may still be charged to a namespace: the least that its limit and those of the namespaces around
   ! it leave, FLOPSHIM_UNLIMITED if there is none. Without a name the limits of the open scopes count too. Or an error.
   integer(int64) function flopshim_remaining(name) result(flops)
      character(*), intent(in), optional :: name

      flops = FLOPSHIM_ABSENT
      if (flopshim_present()) flops = ask_name(api%remaining, name)
   end function

   ! Returns how many calls have ended in a namespace and in those inside it, without workspace queries; or an error.
   integer(int64) function flopshim_calls(name) result(calls)
      character(*), intent(in), optional :: name

      calls = FLOPSHIM_ABSENT
      if (flopshim_present()) calls = ask_name(api%calls, name)
   end function

   ! Returns the FLOPs charged in an open scope of the calling thread: by all threads since it began if it has a budget,
   ! otherwise those of its namespace, as flopshim_used. An error if the scope is not open.
   integer(int64) function flopshim_scope_used(scope) result(flops)
      integer(int64), intent(in) :: scope

      flops = FLOPSHIM_ABSENT
      if (flopshim_present()) flops = ask_handle(api%scope_used, scope)
   end function

   ! Returns the FLOPs that all limits leave in an open scope of the calling thread; FLOPSHIM_UNLIMITED without a limit.
   integer(int64) function flopshim_scope_remaining(scope) result(flops)
      integer(int64), intent(in) :: scope

      flops = FLOPSHIM_ABSENT
      if (flopshim_present()) flops = ask_handle(api%scope_remaining, scope)
   end function

   ! Returns the FLOPs that one call of a routine would be charged in the open namespace, or an error:
   ! flopshim_cost("dgemm", "m=300 n=400 k=200"). The arguments have LAPACK's names; options are letters (side=L). A
   ! dimension that is not given is 0, and an option that is not given has no letter.
   integer(int64) function flopshim_cost(routine, arguments) result(flops)
      character(*), intent(in) :: routine, arguments
      procedure(cost_function), pointer :: cost

      flops = FLOPSHIM_ABSENT
      if (.not. flopshim_present()) return
      call c_f_procpointer(api%cost, cost)
      flops = cost(c_name(routine), c_name(arguments))
   end function

   ! Returns what was charged since the start or the last flopshim_reset, as text or JSON; empty without the shim.
   function flopshim_summary(kind_of_it) result(text)
      integer(c_int), intent(in), optional :: kind_of_it
      character(:), allocatable :: text
      integer(int64), parameter :: ROOM = 4096 ! by how many bytes the buffer exceeds the last known length
      procedure(summary_function), pointer :: summary
      integer(c_int) :: wanted
      integer(int64) :: length

      text = ""
      if (.not. flopshim_present()) return
      wanted = FLOPSHIM_TEXT
      if (present(kind_of_it)) wanted = kind_of_it
      call c_f_procpointer(api%summary, summary)
      length = ROOM
      do while (length >= len(text)) ! other threads may have made the summary longer
         deallocate (text)
         allocate (character(length + ROOM) :: text)
         length = summary(text, len(text, c_size_t), wanted)
      end do
      text = text(:max(length, 0_int64))
   end function

   ! Makes later summaries begin from here. Budgets get nothing back, and the dump keeps everything. Returns 0 or an error.
   integer function flopshim_reset() result(error)
      procedure(plain_function), pointer :: reset

      error = FLOPSHIM_ABSENT
      if (.not. flopshim_present()) return
      call c_f_procpointer(api%reset, reset)
      error = reset()
   end function

   ! Sets the callback that decides about calls that do not fit, in every thread: c_funloc of a function with the interface
   ! flopshim_exceed_callback; c_null_funptr: FLOPSHIM_ON_EXCEED decides. `context` is passed to it. Returns 0 or an error.
   ! A thread whose call was refused before this returns may still run the previous callback.
   integer function flopshim_on_exceed(callback, context) result(error)
      type(c_funptr), value :: callback
      type(c_ptr), intent(in), optional :: context
      procedure(on_exceed_function), pointer :: on_exceed
      type(c_ptr) :: given

      error = FLOPSHIM_ABSENT
      if (.not. flopshim_present()) return
      given = c_null_ptr
      if (present(context)) given = context
      call c_f_procpointer(api%on_exceed, on_exceed)
      error = on_exceed(callback, given)
   end function

   ! 1: print nothing about refused calls on standard error; 0: print a line for them. Returns the previous setting.
   integer function flopshim_quiet(quiet) result(before)
      integer, intent(in) :: quiet
      procedure(quiet_function), pointer :: set

      before = FLOPSHIM_ABSENT
      if (.not. flopshim_present()) return
      call c_f_procpointer(api%quiet, set)
      before = set(int(quiet, c_int))
   end function

   ! Returns what an error means, for people.
   function flopshim_error_text(error) result(text)
      integer(int64), intent(in) :: error
      character(:), allocatable :: text

      select case (int(error))
      case (FLOPSHIM_ABSENT); text = "the shim is not loaded"
      case (FLOPSHIM_BAD_NAME); text = "not a name of a namespace"
      case (FLOPSHIM_BAD_AMOUNT); text = "not a positive, finite number of FLOPs"
      case (FLOPSHIM_NOT_OPEN); text = "no such scope is open in this thread"
      case (FLOPSHIM_NO_ROUTINE); text = "no such routine"
      case (FLOPSHIM_BAD_ARGUMENT); text = "an argument is unknown, missing or out of range"
      case (FLOPSHIM_NO_MEMORY); text = "out of memory"
      case (FLOPSHIM_TOO_MANY); text = "too many namespaces or shapes"
      case (FLOPSHIM_REFUSED); text = "refused: it does not fit the budget"
      case (FLOPSHIM_UNPRICED); text = "the routine has no price"
      case default; text = merge("unknown error", "no error     ", error < 0)
      end select
      text = trim(text)
   end function

   ! ---- calls of functions of struct flopshim_api ----

   integer(int64) function ask_handle(address, scope) result(answer)
      type(c_funptr), intent(in) :: address
      integer(int64), intent(in) :: scope
      procedure(handle_function), pointer :: ask

      call c_f_procpointer(address, ask)
      answer = ask(scope)
   end function

   integer(int64) function ask_name(address, name) result(answer)
      type(c_funptr), intent(in) :: address
      character(*), intent(in), optional :: name
      procedure(name_function), pointer :: ask

      call c_f_procpointer(address, ask)
      if (present(name)) then
         answer = ask(c_name(name))
      else
         answer = ask(c_null_char)
      end if
   end function

   integer function set_value(address, name, amount) result(error)
      type(c_funptr), intent(in) :: address
      character(*), intent(in) :: name
      integer(int64), intent(in) :: amount
      procedure(set_function), pointer :: set

      call c_f_procpointer(address, set)
      error = set(c_name(name), amount)
   end function

end module flopshim
