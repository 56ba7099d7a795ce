/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * probe_x86_64.S - calls a library's function and restores the floating-point environment.
 * It must never let that function trap, whatever traps the program has enabled.
 */
#define MXCSR_DEFAULT 0x1f80

/* ---- int probe_call(function, arguments) ---- */
	.text
	.p2align 4
	.globl probe_call
	.hidden probe_call
	.type probe_call, @function
probe_call:
	.cfi_startproc
	pushq %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq %rsp, %rbp
	.cfi_def_cfa_register %rbp
	subq $48, %rsp
	fnstenv (%rsp)			/* saves the x87 environment and masks its exceptions until fldenv */
	stmxcsr 32(%rsp)
	movl $MXCSR_DEFAULT, 40(%rsp)	/* the default: no traps, and denormal numbers are not flushed to 0 */
	ldmxcsr 40(%rsp)
	movq %rdi, %rax
	movq 0(%rsi), %rdi
	movq 16(%rsi), %rdx
	movq 24(%rsi), %rcx
	movq 32(%rsi), %r8
	movq 40(%rsi), %r9
	movq 8(%rsi), %rsi
	call *%rax
	fldenv (%rsp)
	ldmxcsr 32(%rsp)
	leave
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size probe_call, . - probe_call

	.section .note.GNU-stack, "", @progbits
