/* Traps: how a hart's traps are turned on, what the entry code calls, and the functions that decide
   about an exception. trapentry.S and riscv/trapret.S tell what happens before and after.

   What a handler may do depends on where the trap came from. A trap from user mode may sleep and be
   rescheduled, once interrupts are on. A trap in the kernel may come at any point where interrupts
   are on, also while its task is about to sleep: its handlers do not sleep. Only a fault inside of
   a user copy may, because the function that copies says so. */
#pragma once

#include <riscv/trapframe.h>

/* In a7 at an ebreak of the kernel: it is a system call, with the number in a0 and the arguments in
   a1 to a5. ucore's kernels start the first program so. */
#define EBREAK_SYSCALL  10

/* Have this hart's traps come to trap_entry, and find out about floating point. Each hart calls it
   as it comes up, with paging and its stack in place and interrupts off. */
void trap_init_hart(void);

/* Only the entry code calls these three, with interrupts off. trap_user is for a trap from user
   mode that is no system call; it returns if the program goes on, and then with interrupts off. */
void trap_user(struct trapframe *tf);
/* For a trap from the kernel. It returns if what was interrupted goes on, with interrupts off. */
void trap_kernel(struct trapframe *tf);
/* For a trap from the kernel that finds no stack to save its frame on: the frame is on the hart's
   emergency stack. Panics. */
__never_returns void trap_stack_overflow(struct trapframe *tf);

/* The name of an exception, by its number in scause: never NULL. */
const char *cause_name(uint64_t cause);
/* Is it an instruction for floating-point numbers? `instruction` is its bits, or 0 if they are not
   known. */
bool uses_fpu(uint32_t instruction);
/* What kind of access a page fault was, by its cause: VM_EXEC, VM_READ or VM_WRITE. 0 if the cause
   is no page fault. */
uint32_t fault_access(uint64_t cause);
/* Why an exception ends the program, in words, or NULL if the program may go on. `error` is what
   the repair of a page fault returned: 0 if the access can be tried again. Interrupts are on. */
const char *user_exception(struct trapframe *tf, int error);
/* End the current program, after a line that says what it did wrong and where. With interrupts on
   and no lock held: ending sleeps. */
__never_returns void kill_current(const struct trapframe *tf, const char *why);
