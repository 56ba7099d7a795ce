! SPDX-License-Identifier: BSD-3-Clause
! code_fortran.f90 - three procedures that do known shares of the work, one of them contained in the program. Prints the FLOPs
! of each: a product of order n takes 2 n^3, a symmetric one of n columns n^2 (n + 1), a solution with a unit triangle n^2 (n - 1).
module layers
	implicit none
	integer, parameter :: n = 30
	integer(8) :: work(3) = 0
contains
	subroutine forward(a, b, c)
		real(8) :: a(n, n), b(n, n), c(n, n)

		call dgemm('N', 'N', n, n, n, 1d0, a, n, b, n, 0d0, c, n) ! here: forward
		work(1) = work(1) + 2_8 * n**3
	end subroutine

	subroutine gram(a, c)
		real(8) :: a(n, n), c(n, n)

		call dsyrk('U', 'T', n, n, 1d0, a, n, 0d0, c, n) ! here: gram
		work(2) = work(2) + int(n, 8)**2 * (n + 1)
	end subroutine
end module

program code
	use layers
	implicit none
	real(8) :: a(n, n), b(n, n), c(n, n)
	integer :: i, j

	a = 1
	b = 2
	do i = 1, 200
		call forward(a, b, c)
		call gram(a, c)
		do j = 1, 3
			call solve
		end do
	end do
	print '(a, i0)', 'forward ', work(1), 'gram ', work(2), 'solve ', work(3)
contains
	subroutine solve
		c = a
		call dtrsm('L', 'U', 'N', 'U', n, n, 1d0, a, n, c, n) ! here: solve
		work(3) = work(3) + int(n, 8)**2 * (n - 1)
	end subroutine
end program
