/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stack_x86_64.S - a call on another stack.
 * It must never break the way back to the caller's stack, which unwinders follow.
 */

/* ---- void stack_call(function, argument, top) ---- */
	.text
	.p2align 4
	.globl stack_call
	.hidden stack_call
	.type stack_call, @function
stack_call:
	.cfi_startproc
	pushq %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq %rsp, %rbp
	.cfi_def_cfa_register %rbp
	movq %rdx, %rsp
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	leave
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size stack_call, . - stack_call

	.section .note.GNU-stack, "", @progbits
