! SPDX-License-Identifier: BSD-3-Clause
!
! heat.f90 - the temperature of a heated rod by conjugate gradients, with the work of the matrix told from the vectors'.
!
!     gfortran -O2 -o heat flopshim.f90 heat.f90 -lblas      (flopshim.f90 is bindings/flopshim.f90)
!     ./heat                     runs as if flopshim did not exist
!     flopshim ./heat            counts: namespaces solve.matrix and solve.vectors, see flopshim-report
!     FLOPSHIM_BUDGET=solve=50k flopshim ./heat      ends with status 121 at the first call that does not fit
!
! The matrix is tridiagonal and held as a band, for dsbmv. The right-hand side is 1 everywhere, so that the exact answer
! is x(n+1-x)/2 at point x, and conjugate gradients need at most (n+1)/2 steps.
program heat
   use, intrinsic :: iso_fortran_env, only: int64, real64
   use flopshim
   implicit none
   integer, parameter :: n = 99
   real(real64) :: band(2, n), x(n), r(n), p(n), q(n), alpha, rho, before
   real(real64), external :: ddot
   integer(int64) :: solve, ended
   integer :: i, steps

   band(1, :) = 2
   band(2, :) = -1
   x = 0
   r = 1
   p = r
   solve = flopshim_begin("solve")
   rho = dot(r, r)
   steps = 0
   do while (rho > 1e-20_real64 .and. steps < n)
      call multiply
      alpha = rho / dot(p, q)
      call update
      before = rho
      rho = dot(r, r)
      p = r + (rho / before) * p
      steps = steps + 1
   end do
   ended = flopshim_end(solve)

   print "(a, i0, a, es8.1)", "steps ", steps, ", largest error ", &
      maxval([(abs(x(i) - real(i, real64) * (n + 1 - i) / 2), i=1, n)])
   if (flopshim_present()) then
      print "(a, i0, a)", "matrix  ", flopshim_used("solve.matrix"), " FLOPs"
      print "(a, i0, a)", "vectors ", flopshim_used("solve.vectors"), " FLOPs"
   end if

contains

   subroutine multiply
      integer(int64) :: scope

      scope = flopshim_begin("matrix")
      call dsbmv("L", n, 1, 1.0_real64, band, 2, p, 1, 0.0_real64, q, 1)
      scope = flopshim_end(scope)
   end subroutine

   subroutine update
      integer(int64) :: scope

      scope = flopshim_begin("vectors")
      call daxpy(n, alpha, p, 1, x, 1)
      call daxpy(n, -alpha, q, 1, r, 1)
      scope = flopshim_end(scope)
   end subroutine

   real(real64) function dot(a, b)
      real(real64), intent(in) :: a(:), b(:)
      integer(int64) :: scope

      scope = flopshim_begin("vectors")
      dot = ddot(n, a, 1, b, 1)
      scope = flopshim_end(scope)
   end function

end program heat
