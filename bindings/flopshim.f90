! SPDX-License-Identifier: BSD-3-Clause
!
! module flopshim: markers for Fortran, with the names and meanings of flopshim.h.
!
! Compile it with the program; there is nothing to link. Under the shim (`flopshim ./program`) the functions reach it
! through one dlsym; without it each is a no-op that returns FLOPSHIM_ABSENT.
!
!     use flopshim
!     integer(int64) :: scope
!     scope = flopshim_begin_budget("forward", 1e9_real64)   ! namespace forward, at most 1e9 FLOPs until its end
!     call dgemm(...)
!     scope = flopshim_end(scope)
!
! Amounts are FLOPs: integer(int64), or real(real64) where a budget is set, rounded up. Names of namespaces are dotted
! paths, `train.forward`, relative to the namespace that is open in the calling thread; a leading dot makes them
! absolute, an empty one is the open namespace itself, "." the root; trailing blanks do not count. Errors are negative
! numbers, FLOPSHIM_ABSENT to FLOPSHIM_UNPRICED. A wrong argument changes nothing.

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
   integer, parameter, public :: FLOPSHIM_NOT_OPEN = -4     ! no such scope is open in this thread
   integer, parameter, public :: FLOPSHIM_NO_ROUTINE = -5   ! no routine of this name
   integer, parameter, public :: FLOPSHIM_BAD_ARGUMENT = -6 ! a name that the routine has not, or no number or letter
   integer, parameter, public :: FLOPSHIM_NO_MEMORY = -7
   integer, parameter, public :: FLOPSHIM_TOO_MANY = -8     ! more namespaces or shapes than can be kept
   integer, parameter, public :: FLOPSHIM_REFUSED = -9      ! the work does not fit a budget: do not do it
   integer, parameter, public :: FLOPSHIM_UNPRICED = -10    ! the routine has no price

   ! What an exceed callback answers.
   integer(c_int), parameter, public :: FLOPSHIM_DEFAULT = 0 ! as FLOPSHIM_ON_EXCEED says
   integer(c_int), parameter, public :: FLOPSHIM_EXIT = 1    ! end the process
   integer(c_int), parameter, public :: FLOPSHIM_SIGNAL = 2  ! raise the signal; if that returns, deny
   integer(c_int), parameter, public :: FLOPSHIM_DENY = 3    ! return with outputs untouched, INFO = -1001 to -1009
   integer(c_int), parameter, public :: FLOPSHIM_WARN = 4    ! run it all the same, charge it, record it as over

   ! Kinds of summary, to be added up.
   integer(c_int), parameter, public :: FLOPSHIM_TEXT = 0, FLOPSHIM_JSON = 1, FLOPSHIM_BY_NAMESPACE = 2

   ! A call that does not fit a budget, as the exceed callback sees it. Valid during the callback.
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

   ! Extents of one operand of work that is charged by hand.
   type, bind(c), public :: flopshim_shape
      integer(c_int32_t) :: rank = 0 ! 0 to 8
      integer(c_int64_t) :: extents(8) = 0
   end type

   abstract interface
      ! Runs in the thread of the call; returns FLOPSHIM_DEFAULT to FLOPSHIM_WARN.
      function flopshim_exceed_callback(call, context) bind(c) result(action)
         import :: c_int, c_ptr, flopshim_exceeded
         type(flopshim_exceeded), intent(in) :: call
         type(c_ptr), value :: context
         integer(c_int) :: action
      end function
   end interface

   ! As flopshim_begin, flopshim_set_budget, with a budget of either kind of number.
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

   ! ---- struct flopshim_api ----

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
   logical, volatile, save :: looked = .false. ! a race only looks twice

contains

   ! .true. if the shim counts this process.
   logical function flopshim_present()
      type(c_ptr) :: address

      if (.not. looked) then
         address = dlsym(c_null_ptr, "flopshim_api_1" // c_null_char) ! a null handle is RTLD_DEFAULT
         if (c_associated(address)) call c_f_pointer(address, api)
         looked = .true.
      end if
      flopshim_present = associated(api)
   end function

   ! A budget as a whole number of FLOPs, rounded up; 0 if it is none.
   integer(int64) function flopshim_amount(flops) result(whole)
      real(real64), intent(in) :: flops

      whole = 0
      if (.not. (flops > 0 .and. flops < 2.0_real64**63)) return
      whole = int(flops, int64)
      if (real(whole, real64) < flops) whole = whole + 1
   end function

   function c_name(name)
      character(*), intent(in) :: name
      character(:), allocatable :: c_name

      c_name = trim(name) // c_null_char
   end function

   ! Opens a scope on a namespace in this thread. Returns its handle, > 0, or an error.
   integer(int64) function flopshim_begin(name) result(scope)
      character(*), intent(in) :: name

      scope = begin_budget_integer(name, FLOPSHIM_UNLIMITED)
   end function

   ! The same with a budget: what is charged inside, nested scopes and other threads included, is at most `flops`.
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

   ! Ends a scope of this thread and those inside it. Returns how many ended, or FLOPSHIM_NOT_OPEN.
   integer(int64) function flopshim_end(scope) result(ended)
      integer(int64), intent(in) :: scope

      ended = FLOPSHIM_ABSENT
      if (flopshim_present()) ended = ask_handle(api%end, scope)
   end function

   ! Sets or replaces the budget of a namespace, over the life of the process: what has been used stays used.
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

   ! Scales what is charged in a namespace from now on, on top of its ancestors' factors; finite and > 0, below 2^31.
   integer function flopshim_set_multiplier(name, factor) result(error)
      character(*), intent(in) :: name
      real(real64), intent(in) :: factor

      error = FLOPSHIM_ABSENT
      if (.not. flopshim_present()) return
      error = FLOPSHIM_BAD_AMOUNT
      if (.not. (factor > 0 .and. factor < 2.0_real64**31)) return
      error = set_value(api%set_multiplier, name, int(factor * 2.0_real64**32 + 0.5_real64, int64))
   end function

   ! Charges work that is not a BLAS or LAPACK call, before it is done: FLOPSHIM_REFUSED means that it should not be.
   ! `subscripts` ("ij,jk->ik") and up to 8 operands' shapes go into the record.
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

   ! FLOPs charged to a namespace and those inside it since the process began.
   integer(int64) function flopshim_used(name) result(flops)
      character(*), intent(in), optional :: name

      flops = FLOPSHIM_ABSENT
      if (flopshim_present()) flops = ask_name(api%used, name)
   end function

   ! FLOPs that may still be charged to it: the least that any limit on the way up leaves; FLOPSHIM_UNLIMITED without.
   integer(int64) function flopshim_remaining(name) result(flops)
      character(*), intent(in), optional :: name

      flops = FLOPSHIM_ABSENT
      if (flopshim_present()) flops = ask_name(api%remaining, name)
   end function

   ! Calls completed in a namespace and those inside it, workspace queries not among them.
   integer(int64) function flopshim_calls(name) result(calls)
      character(*), intent(in), optional :: name

      calls = FLOPSHIM_ABSENT
      if (flopshim_present()) calls = ask_name(api%calls, name)
   end function

   ! FLOPs charged, and still free, in an open scope that has a budget; without one, as its namespace.
   integer(int64) function flopshim_scope_used(scope) result(flops)
      integer(int64), intent(in) :: scope

      flops = FLOPSHIM_ABSENT
      if (flopshim_present()) flops = ask_handle(api%scope_used, scope)
   end function

   integer(int64) function flopshim_scope_remaining(scope) result(flops)
      integer(int64), intent(in) :: scope

      flops = FLOPSHIM_ABSENT
      if (flopshim_present()) flops = ask_handle(api%scope_remaining, scope)
   end function

   ! What one call would be charged in the open namespace: flopshim_cost("dgemm", "m=300 n=400 k=200"). Arguments by
   ! LAPACK's names, options as letters (side=L); what is not given is 0, or an option without a letter.
   integer(int64) function flopshim_cost(routine, arguments) result(flops)
      character(*), intent(in) :: routine, arguments
      procedure(cost_function), pointer :: cost

      flops = FLOPSHIM_ABSENT
      if (.not. flopshim_present()) return
      call c_f_procpointer(api%cost, cost)
      flops = cost(c_name(routine), c_name(arguments))
   end function

   ! What was charged since the start or the last flopshim_reset, as text or JSON; empty without the shim.
   function flopshim_summary(kind_of_it) result(text)
      integer(c_int), intent(in), optional :: kind_of_it
      character(:), allocatable :: text
      integer(int64), parameter :: ROOM = 4096 ! bytes of text
      procedure(summary_function), pointer :: summary
      integer(c_int) :: wanted
      integer(int64) :: length

      text = ""
      if (.not. flopshim_present()) return
      wanted = FLOPSHIM_TEXT
      if (present(kind_of_it)) wanted = kind_of_it
      call c_f_procpointer(api%summary, summary)
      length = ROOM
      do while (length >= len(text)) ! other threads may add to it meanwhile
         deallocate (text)
         allocate (character(length + ROOM) :: text)
         length = summary(text, len(text, c_size_t), wanted)
      end do
      text = text(:max(length, 0_int64))
   end function

   ! Starts the summary anew. Budgets get nothing back, and the dump keeps everything.
   integer function flopshim_reset() result(error)
      procedure(plain_function), pointer :: reset

      error = FLOPSHIM_ABSENT
      if (.not. flopshim_present()) return
      call c_f_procpointer(api%reset, reset)
      error = reset()
   end function

   ! Has c_funloc(callback), of the interface flopshim_exceed_callback, decide about calls that do not fit, in every
   ! thread; c_null_funptr: as FLOPSHIM_ON_EXCEED says.
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

   ! 1: say nothing about refused calls on standard error; 0: say it. Returns what was set before.
   integer function flopshim_quiet(quiet) result(before)
      integer, intent(in) :: quiet
      procedure(quiet_function), pointer :: set

      before = FLOPSHIM_ABSENT
      if (.not. flopshim_present()) return
      call c_f_procpointer(api%quiet, set)
      before = set(int(quiet, c_int))
   end function

   function flopshim_error_text(error) result(text)
      integer(int64), intent(in) :: error
      character(:), allocatable :: text

      select case (int(error))
      case (FLOPSHIM_ABSENT); text = "the shim is not loaded"
      case (FLOPSHIM_BAD_NAME); text = "not a name of a namespace"
      case (FLOPSHIM_BAD_AMOUNT); text = "not a positive, finite number of FLOPs"
      case (FLOPSHIM_NOT_OPEN); text = "no such scope is open in this thread"
      case (FLOPSHIM_NO_ROUTINE); text = "no such routine"
      case (FLOPSHIM_BAD_ARGUMENT); text = "not an argument of this routine, or not a value of it"
      case (FLOPSHIM_NO_MEMORY); text = "out of memory"
      case (FLOPSHIM_TOO_MANY); text = "too many namespaces or shapes"
      case (FLOPSHIM_REFUSED); text = "refused: it does not fit the budget"
      case (FLOPSHIM_UNPRICED); text = "the routine has no price"
      case default; text = merge("unknown error", "no error     ", error < 0)
      end select
      text = trim(text)
   end function

   ! ---- calls through the table ----

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
