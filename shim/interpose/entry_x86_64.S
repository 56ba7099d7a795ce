/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * entry_x86_64.S - stubs, the entry body, dlsym, dlopen, syscall and the functions of before.def.
 * It must never touch an argument, a result or the flags of the floating-point unit. entry.h says what each part has
 * to do.
 *
 * With ENTRY_IN_C (make ENTRY=c, for tests) all work that intercept.c can do is left to it. BARE builds a shim that
 * does nothing, for benchmarks.
 */
#include <sys/syscall.h>

#include "shim/state/entry.h"

#define HIDDEN_FUNCTION(name) \
	.globl name; .hidden name; .type name, @function; name:

/* ---- stubs ---- */
	.text
	.p2align 12
flopshim_stubs:
#define STUB(name, number)                                   \
	.p2align 4; .globl name; .type name, @function; name: \
	endbr64; movl $number, %r11d; jmp flopshim_entry; .size name, . - name
#define HOLE(number) .p2align 4; .fill STUB_SIZE, 1, 0xcc
#include "stubs.inc"
	.p2align 4
flopshim_stubs_end:
	.globl flopshim_thunks
	.hidden flopshim_thunks
flopshim_thunks:
	.set thunk, THUNK_FIRST
	.rept THUNK_COUNT
	.p2align 4
	endbr64
	movl $thunk, %r11d
	jmp flopshim_entry
	.set thunk, thunk + 1
	.endr

/* ---- the entry body; r11d: the symbol's number ---- */
.macro SAVE_ARGUMENTS
	movq %rdi, ENTRY_GPRS+0(%rbp)
	movq %rsi, ENTRY_GPRS+8(%rbp)
	movq %rdx, ENTRY_GPRS+16(%rbp)
	movq %rcx, ENTRY_GPRS+24(%rbp)
	movq %r8, ENTRY_GPRS+32(%rbp)
	movq %r9, ENTRY_GPRS+40(%rbp)
.endm

/* rax: the thread; r11: the symbol's number, or the address of the known site */
.macro CALL_ENTER function
	subq $ENTRY_SIZE, %rsp
	andq $-16, %rsp			/* in hand-written callers the stack may be off by 8 */
	SAVE_ARGUMENTS
	movq %rbp, %rdi
	movq %r11, %rsi
	movq %rax, %rdx
	call \function
.endm

.macro RESTORE_ARGUMENTS
	movq ENTRY_GPRS+0(%rbp), %rdi
	movq ENTRY_GPRS+8(%rbp), %rsi
	movq ENTRY_GPRS+16(%rbp), %rdx
	movq ENTRY_GPRS+24(%rbp), %rcx
	movq ENTRY_GPRS+32(%rbp), %r8
	movq ENTRY_GPRS+40(%rbp), %r9
	movq ENTRY_RAX(%rbp), %rax
	movq ENTRY_RDX(%rbp), %r10
.endm

.macro MOVE_VECTORS from to
	.irp n, 0,1,2,3,4,5,6,7
	.if \from
	movups %xmm\n, ENTRY_VECTORS+16*\n(%rbp)
	.else
	movups ENTRY_VECTORS+16*\n(%rbp), %xmm\n
	.endif
	.endr
.endm

/* So many stack words are copied by one instruction each: an offset of one byte reaches no more. */
#define WORDS_PUSHED 14

/*
 * Where a member of the frame is before the frame is made: signal handlers leave 128 bytes below the stack pointer
 * alone.
 */
#define BEFORE_FRAME(member) (member - 8)(%rsp)

.macro MAKE_FRAME
	pushq %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq %rsp, %rbp
	.cfi_def_cfa_register %rbp
.endm

.macro LOAD_THREAD
	movq thread_head@gottpoff(%rip), %rax
	movq %fs:HEAD_THREAD(%rax), %rax
.endm

	.p2align 11			/* the entry body lies in one page */
HIDDEN_FUNCTION(flopshim_entry)
	.cfi_startproc
	movq %rax, BEFORE_FRAME(ENTRY_RAX)
	movq %r10, BEFORE_FRAME(ENTRY_RDX)
	movl %r11d, BEFORE_FRAME(ENTRY_COST)
	movq thread_head@gottpoff(%rip), %r10
	cmpq $0, %fs:HEAD_OPEN_SLOT(%r10)
	jne .Lnested
	movq %fs:HEAD_THREAD(%r10), %rax
#ifdef BARE
	MAKE_FRAME
	CALL_ENTER intercept_enter
.Lverdict:
	testl %edx, %edx
	jnz .Lnot_just_called
.Lcall:
	movq %rax, %r11
	RESTORE_ARGUMENTS
	call *%r11
#else
	shlq $SITE_KEY_SHIFT, %r11
	xorq (%rsp), %r11
	movabsq $SITE_FACTOR, %r10
	imulq %r11, %r10
	shrq $(64 - SITE_BITS), %r10
	shlq $SITE_SIZE_SHIFT, %r10
	leaq THREAD_SITES(%rax,%r10), %r10
#ifdef ENTRY_IN_C
	jmp .Lother_reading
#endif
	cmpb $SITE_READING_FIRST, SITE_READING(%r10)
	ja .Lother_reading
	/*
	 * Does what intercept_enter does, for level-1 BLAS with the dimension of the site's last call. rcx is freed
	 * to work with. The members of the site are read before its key and scope are compared: a signal handler's
	 * call may change them, and the comparison then fails.
	 */
	movq %rcx, BEFORE_FRAME(ENTRY_GPRS+24)
	movq SITE_REAL(%r10), %rcx
	movq %rcx, BEFORE_FRAME(ENTRY_REAL)
	movq SITE_FORM(%r10), %rcx
	movq %rcx, BEFORE_FRAME(ENTRY_FORM)
	movq SITE_ROW(%r10), %rcx
	cmpq %r11, SITE_KEY(%r10)
	jne .Ldisplaced_back
	movl flopshim_epoch(%rip), %r11d
	cmpl %r11d, SITE_EPOCH(%r10)
	jne .Ldisplaced_back
	movq THREAD_SCOPE(%rax), %r11
	cmpq %r11, SITE_SCOPE(%r10)
	jne .Lenter_back
	cmpq %r11, THREAD_CREDIT_SCOPE(%rax)
	jne .Lenter_back
	movq %r11, BEFORE_FRAME(ENTRY_SCOPE)
	cmpb $SITE_READING_FIRST, SITE_READING(%r10)
	jne .Lvalue
	testq %rdi, %rdi
	jz .Lenter_back
	movslq (%rdi), %r11
.Lcompare:
	cmpq %r11, ROW_DIMENSION(%rcx)
	jne .Lenter_back
	movq THREAD_CREDIT(%rax), %r11
	subq ROW_CHARGED(%rcx), %r11
	js .Lno_credit
	movq %r11, THREAD_CREDIT(%rax)
	movq THREAD_LANE(%rax), %r10
.Lpaid:
	MAKE_FRAME
	subq $ENTRY_SIZE, %rsp		/* keeps the alignment that the call has without the shim */
	movq %rcx, ENTRY_ROW(%rbp)
	leaq 8(%rbp), %rax
.Lrecord:
	movq 8(%rbp), %r11
	movq %rax, LANE_SLOT(%r10)
	movq %r11, LANE_RETURN(%r10)
	movq %rcx, LANE_ROW(%r10)
	movl $1, LANE_DEPTH(%r10)
	movq thread_head@gottpoff(%rip), %rcx
	movq %r11, %fs:HEAD_OPEN_RETURN(%rcx)
	movq %rax, %fs:HEAD_OPEN_SLOT(%rcx)
	cmpq %rax, LANE_SLOT(%r10)
	jne .Ltaken_by_handler
	movq ENTRY_GPRS+24(%rbp), %rcx
	movq ENTRY_RAX(%rbp), %rax
	movq ENTRY_RDX(%rbp), %r10
	call *ENTRY_REAL(%rbp)
	/*
	 * Does what intercept_leave does for a call without flags, in half of the instructions; other cases are left
	 * to it.
	 */
.Lreturned:
	movq thread_head@gottpoff(%rip), %rcx
	cmpl $0, flopshim_epoch(%rip)
	je .Lleave_unflagged
	leaq 8(%rbp), %rsi
	cmpq %rsi, %fs:HEAD_OPEN_SLOT(%rcx)
	jne .Lleave_unflagged
	movq ENTRY_ROW(%rbp), %rsi
	incq ROW_CALLS(%rsi)
	movq %fs:HEAD_LANE(%rcx), %rsi
	movl $0, LANE_DEPTH(%rsi)
	movq $0, %fs:HEAD_OPEN_SLOT(%rcx)
#endif
	.cfi_remember_state
	leave
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_restore_state

#ifndef BARE
.Lcall:
	movq %rax, %r11
	RESTORE_ARGUMENTS
	call *%r11
#ifndef ENTRY_IN_C
	cmpq $0, ENTRY_FLAGS(%rbp)
	je .Lreturned
#endif
	jmp .Lleave
.Lleave_unflagged:			/* a call that was not in intercept_enter has no flags yet */
	movq $0, ENTRY_FLAGS(%rbp)
#endif
.Lleave:
	andq $-16, %rsp
	movq %rax, ENTRY_RAX(%rbp)
	movq %rdx, ENTRY_RDX(%rbp)
	movq %rbp, %rdi
	call intercept_leave
	testl %eax, %eax
	jnz .Lleave_slow
.Lreturn:
	movq ENTRY_RAX(%rbp), %rax
	movq ENTRY_RDX(%rbp), %rdx
	.cfi_remember_state
	leave
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_restore_state
#ifndef BARE
.Ltaken_by_handler:			/* a handler's call has overwritten the record before it was complete */
	movq ENTRY_ROW(%rbp), %rcx
	leaq 8(%rbp), %rax
	jmp .Lrecord

.Lvalue:
	.cfi_remember_state
	.cfi_def_cfa %rsp, 8
	.cfi_restore %rbp
	movslq %edi, %r11
	jmp .Lcompare

/* does what charge_from_lease does */
.Lno_credit:
	cmpq $CREDIT_LEASE, THREAD_CREDIT(%rax)
	jne .Lenter_back
	movq %rsi, BEFORE_FRAME(ENTRY_GPRS+8)
	movq %rdx, BEFORE_FRAME(ENTRY_GPRS+16)
	movq %rax, %rsi
	movq ROW_CHARGED(%rcx), %rdx
	cmpq $CREDIT_QUANTUM, %rdx
	jae .Lno_lease
	cmpq THREAD_UNTIL_SAMPLE(%rsi), %rdx
	jg .Lno_lease
	movq THREAD_LEASE(%rsi), %rax
1:	movq %rax, %r11
	subq %rdx, %r11
	js .Lno_lease
	lock cmpxchgq %r11, THREAD_LEASE(%rsi)
	jne 1b
	subq %rdx, THREAD_UNTIL_SAMPLE(%rsi)
	movq THREAD_LANE(%rsi), %r10
	movq %r11, LANE_LEASE(%r10)	/* for the dump */
	movq BEFORE_FRAME(ENTRY_GPRS+8), %rsi
	movq BEFORE_FRAME(ENTRY_GPRS+16), %rdx
	jmp .Lpaid
.Lno_lease:
	movq %rsi, %rax
	movq BEFORE_FRAME(ENTRY_GPRS+8), %rsi
	movq BEFORE_FRAME(ENTRY_GPRS+16), %rdx
	.cfi_restore_state
.Lenter_back:
	.cfi_remember_state
	.cfi_def_cfa %rsp, 8
	.cfi_restore %rbp
	movq BEFORE_FRAME(ENTRY_GPRS+24), %rcx
	jmp .Lenter
.Lother_reading:
	cmpq %r11, SITE_KEY(%r10)
	jne .Ldisplaced
	movl flopshim_epoch(%rip), %r11d
	cmpl %r11d, SITE_EPOCH(%r10)
	jne .Ldisplaced
.Lenter:
	MAKE_FRAME
	movq %r10, %r11
	CALL_ENTER intercept_enter
.Lverdict:
	testl %edx, %edx
	jz .Lcall
	jmp .Lnot_just_called
	.cfi_restore_state
.Ldisplaced_back:
	.cfi_remember_state
	.cfi_def_cfa %rsp, 8
	.cfi_restore %rbp
	movq BEFORE_FRAME(ENTRY_GPRS+24), %rcx
.Ldisplaced:
	MAKE_FRAME
	movl ENTRY_COST(%rbp), %r11d
	CALL_ENTER intercept_enter_displaced
	jmp .Lverdict
	.cfi_restore_state
#endif

/*
 * Does what intercept_enter_nested does, for routines that it has put into the thread's list of served ones: in two
 * cache lines instead of three.
 */
	.p2align 6
.Lnested:
	.cfi_remember_state
	.cfi_def_cfa %rsp, 8
	.cfi_restore %rbp
#ifdef ENTRY_IN_C
	jmp .Lnested_otherwise
#endif
	cmpq %rsp, %fs:HEAD_STACK_LOW(%r10)
	ja .Lnested_otherwise
	movq %fs:HEAD_OPEN_SLOT(%r10), %rax
	cmpq %rsp, %rax			/* OPEN_MANY is below it */
	jbe .Lnested_otherwise
	cmpq %fs:HEAD_STACK_HIGH(%r10), %rax
	jae .Lnested_otherwise
	movq (%rax), %rax
	cmpq %rax, %fs:HEAD_OPEN_RETURN(%r10)
	jne .Lnested_otherwise
	movq (%rsp), %rax
	subq %fs:HEAD_SERVED_START(%r10), %rax
	cmpq %fs:HEAD_SERVED_SIZE(%r10), %rax
	jae .Lnested_otherwise
	movq %fs:HEAD_THREAD(%r10), %r10
	movl flopshim_epoch(%rip), %eax
	shlq $SERVED_EPOCH_SHIFT, %rax
	orq %r11, %rax
	andl $SERVED_MASK, %r11d
	cmpq %rax, THREAD_SERVED+SERVED_KEY(%r10,%r11,SERVED_SCALE)
	jne .Lnested_otherwise
	movq THREAD_SERVED+SERVED_REAL(%r10,%r11,SERVED_SCALE), %r11
	movq thread_head@gottpoff(%rip), %rax
	movq %fs:HEAD_LANE(%rax), %rax
	incq LANE_NESTED(%rax)
	movq BEFORE_FRAME(ENTRY_RAX), %rax
	movq BEFORE_FRAME(ENTRY_RDX), %r10
	jmp *%r11
.Lnested_otherwise:
	MAKE_FRAME
	LOAD_THREAD
	movl ENTRY_COST(%rbp), %r11d
	CALL_ENTER intercept_enter_nested
	jmp .Lverdict
	.cfi_restore_state

.Lnot_just_called:
	js .Lno_words
	testb $1, %dl			/* an even number keeps the stack aligned */
	jz 1f
	subq $8, %rsp
1:	cmpl $WORDS_PUSHED, %edx
	ja .Lpush_many
.Lpush_few:				/* jumps so far into the pushes that as many are left as there are words */
	leaq .Lpushed(%rip), %r11
	leaq (%rdx,%rdx,2), %rcx
	subq %rcx, %r11
	notrack jmp *%r11
.Lpush_many:
	pushq 8(%rbp,%rdx,8)
	decl %edx
	cmpl $WORDS_PUSHED, %edx
	ja .Lpush_many
	jmp .Lpush_few
	.set word, WORDS_PUSHED
	.rept WORDS_PUSHED
	.byte 0xff, 0x75, 8 + 8 * word	/* pushq 8 + 8 * word(%rbp), in three bytes each */
	.set word, word - 1
	.endr
.Lpushed:
	jmp .Lcall

.Lenter_slow:
	subq $ENTRY_VECTORS_SIZE, %rsp
	MOVE_VECTORS 1
	movq %rbp, %rdi
	movl ENTRY_COST(%rbp), %esi
	call intercept_enter_slow
	MOVE_VECTORS 0
	addq $ENTRY_VECTORS_SIZE, %rsp
	jmp .Lverdict

.Lno_words:
	cmpl $ACTION_SLOW, %edx
	je .Lenter_slow
	cmpl $ACTION_JUMP, %edx
	jne .Ldeny
	movq %rax, %r11
	RESTORE_ARGUMENTS
	.cfi_remember_state
	leave
	.cfi_def_cfa %rsp, 8
	jmp *%r11
	.cfi_restore_state

.Ldeny:
	movq ENTRY_RAX(%rbp), %rax	/* LAPACKE's info, or 0 */
	xorl %edx, %edx
	xorps %xmm0, %xmm0
	xorps %xmm1, %xmm1
	.cfi_remember_state
	leave
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_restore_state

.Lleave_slow:
	subq $ENTRY_VECTORS_SIZE, %rsp
	movups %xmm0, ENTRY_VECTORS(%rbp)
	movups %xmm1, ENTRY_VECTORS+16(%rbp)
	movq %rbp, %rdi
	call intercept_leave_slow
	movups ENTRY_VECTORS(%rbp), %xmm0
	movups ENTRY_VECTORS+16(%rbp), %xmm1
	jmp .Lreturn
	.cfi_endproc
flopshim_entry_end:
	.size flopshim_entry, . - flopshim_entry

/* ---- struct entry_places: where all of this is ---- */
	.section flopshim_places, "a", @progbits
	.p2align 2
	.long flopshim_stubs - .
	.long flopshim_stubs_end - .
	.long flopshim_entry - .
	.long flopshim_entry_end - .

/* ---- dlsym and dlopen ---- */
	.text

/* Calls hook(first argument, second argument, return address), and leaves the program's arguments as they were. */
.macro CALL_HOOK hook
	endbr64
	pushq %rdi
	.cfi_adjust_cfa_offset 8
	pushq %rsi
	.cfi_adjust_cfa_offset 8
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	movq 24(%rsp), %rdx
	call \hook
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	popq %rsi
	.cfi_adjust_cfa_offset -8
	popq %rdi
	.cfi_adjust_cfa_offset -8
.endm

/* ---- void *dlsym(void *handle, const char *name) ---- */
	.p2align 4
	.globl dlsym
	.type dlsym, @function
dlsym:
	.cfi_startproc
	CALL_HOOK dlsym_hook
	cmpq $-1, %rax
	je 1f
	ret
1:	jmp *libc_dlsym(%rip)
	.cfi_endproc
	.size dlsym, . - dlsym

/* ---- void *dlvsym(void *handle, const char *name, const char *version) ---- */
	.p2align 4
	.globl dlvsym
	.type dlvsym, @function
dlvsym:
	.cfi_startproc
	endbr64
	pushq %rdi
	.cfi_adjust_cfa_offset 8
	pushq %rsi
	.cfi_adjust_cfa_offset 8
	pushq %rdx
	.cfi_adjust_cfa_offset 8
	movq 24(%rsp), %rcx
	call dlvsym_hook
	popq %rdx
	.cfi_adjust_cfa_offset -8
	popq %rsi
	.cfi_adjust_cfa_offset -8
	popq %rdi
	.cfi_adjust_cfa_offset -8
	cmpq $-1, %rax
	je 1f
	ret
1:	jmp *libc_dlvsym(%rip)
	.cfi_endproc
	.size dlvsym, . - dlvsym

/* ---- void *dlopen(const char *path, int flags) ---- */
	.p2align 4
	.globl dlopen
	.type dlopen, @function
dlopen:
	.cfi_startproc
	CALL_HOOK dlopen_hook
	jmp *libc_dlopen(%rip)
	.cfi_endproc
	.size dlopen, . - dlopen

/* ---- long syscall(long number, ...): a tail jump, since some system calls return twice or on another stack ---- */
	.p2align 4
	.globl syscall
	.type syscall, @function
syscall:
	.cfi_startproc
	endbr64
	cmpq $SYS_seccomp, %rdi
	je confine_syscall
	cmpq $SYS_prctl, %rdi
	je confine_syscall
	cmpq $0, libc_syscall(%rip)
	je confine_syscall
	jmp *libc_syscall(%rip)
	.cfi_endproc
	.size syscall, . - syscall

/* ---- functions of before.def: rax has the number of vector registers that hold arguments, of execl and the like ---- */
	.set before_number, 0
.macro BEFORE_STUB name
	.p2align 4
	.globl \name
	.type \name, @function
\name:
	.cfi_startproc
	endbr64
	.irp register, rdi, rsi, rdx, rcx, r8, r9, rax
	pushq %\register
	.cfi_adjust_cfa_offset 8
	.endr
	movl $before_number, %edi
	call before_hook
	movq %rax, %r11
	.irp register, rax, r9, r8, rcx, rdx, rsi, rdi
	popq %\register
	.cfi_adjust_cfa_offset -8
	.endr
	jmp *%r11
	.cfi_endproc
	.size \name, . - \name
	.set before_number, before_number + 1
.endm
#define BEFORE(name, what) BEFORE_STUB name
#include "shim/interpose/before.def"

	.section .note.GNU-stack, "", @progbits
