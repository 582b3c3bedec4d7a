/* The ecall instruction as functions, one for each number of arguments. The kernel takes the call's
   number from a0 and the arguments from a1 to a5, puts the result into a0, and keeps all other
   registers: see libs/unistd.h.

   Programs normally use ulib.h; the tests of the system calls themselves use these, to pass what no
   function of ulib.h would. "memory" tells the compiler that a call may read and write any
   memory. */
#pragma once

#include <defs.h>
#include <unistd.h>

/* Any call, with all five arguments. The variables are bound to registers, so that the compiler
   puts the values where the kernel looks for them; a0 is in and out: the number, then the
   result. */
static inline long syscall5(long number, uintptr_t arg1, uintptr_t arg2, uintptr_t arg3,
                            uintptr_t arg4, uintptr_t arg5)
{
    register long a0 asm("a0") = number;
    register uintptr_t a1 asm("a1") = arg1;
    register uintptr_t a2 asm("a2") = arg2;
    register uintptr_t a3 asm("a3") = arg3;
    register uintptr_t a4 asm("a4") = arg4;
    register uintptr_t a5 asm("a5") = arg5;

    asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5) : "memory");
    return a0;
}

/* With three arguments: the registers of the others are not set, as in the functions below. */
static inline long syscall3(long number, uintptr_t arg1, uintptr_t arg2, uintptr_t arg3)
{
    register long a0 asm("a0") = number;
    register uintptr_t a1 asm("a1") = arg1;
    register uintptr_t a2 asm("a2") = arg2;
    register uintptr_t a3 asm("a3") = arg3;

    asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3) : "memory");
    return a0;
}

/* With two arguments. What is in a3 to a5 reaches the kernel too, which does not look at it. */
static inline long syscall2(long number, uintptr_t arg1, uintptr_t arg2)
{
    register long a0 asm("a0") = number;
    register uintptr_t a1 asm("a1") = arg1;
    register uintptr_t a2 asm("a2") = arg2;

    asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2) : "memory");
    return a0;
}

/* With one argument. */
static inline long syscall1(long number, uintptr_t arg1)
{
    register long a0 asm("a0") = number;
    register uintptr_t a1 asm("a1") = arg1;

    asm volatile("ecall" : "+r"(a0) : "r"(a1) : "memory");
    return a0;
}

/* Without arguments. "memory" stands here as well: while this process waits, others that share its
   memory may change it. */
static inline long syscall0(long number)
{
    register long a0 asm("a0") = number;

    asm volatile("ecall" : "+r"(a0) : : "memory");
    return a0;
}
