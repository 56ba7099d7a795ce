! SPDX-License-Identifier: BSD-3-Clause
! sites_fortran.f90 - a module procedure and an internal procedure that call BLAS from known lines.
module work
	implicit none
contains
	subroutine multiply(a, b, c)
		real(8), intent(in) :: a(:, :), b(:, :)
		real(8), intent(out) :: c(:, :)
		integer :: n

		n = size(a, 1)
		call dgemm('N', 'N', n, n, n, 1d0, a, n, b, n, 0d0, c, n) ! here: multiply
		if (c(1, 1) < 0) print *, 'negative'
	end subroutine
end module

program sites
	use work
	implicit none
	real(8) :: a(80, 80), b(80, 80), c(80, 80)

	a = 1
	b = 2
	call multiply(a, b, c)
	call inner
contains
	subroutine inner
		call dgemm('T', 'N', 80, 80, 80, 1d0, a, 80, b, 80, 0d0, c, 80) ! here: inner
		if (c(1, 1) < 0) print *, 'negative'
	end subroutine
end program
