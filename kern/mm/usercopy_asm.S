/* Loops that touch user memory. SUM is set only between the labels 1 and 2 (Privileged spec
   20211203, 4.1.1.2), so that no other access of the kernel reaches a program by mistake.

   Registers: a0, a1, a2 as the C declarations in usercopy.c say; t6 is the SUM bit; t0 a byte or
   word on its way; t1 the begin of a string. The loops are leaves: they use no stack and no saved
   register, so a fault in the middle leaves nothing to clean up. If it was repaired the same
   instruction runs again. If not, trap.c sets the pc to label 3, as .extable says, and t5 to the
   error, which is returned. */
#include <riscv/csr.h>

# Begins a function, and with SUM the part in which a fault is the user's. t6 keeps the bit for the
# end of the function, which clears just it.
.macro user_function name
.globl \name
.type \name, @function
\name:
    li t6, SSTATUS_SUM
    csrs sstatus, t6
1:
.endm

# Ends it. A fault that was not repaired goes on here: SUM is cleared, and the error becomes the
# result. What goes into .extable is a struct fault_range of usercopy.c.
.macro user_function_end
3:
    csrc sstatus, t6
    mv a0, t5
    ret
.pushsection .extable, "a"
    .dword 1b, 2b, 3b
.popsection
.endm

.text

# Copies: \step bytes a turn, by these two instructions. At least one turn.
.macro user_copy name, load, store, step
user_function \name
    add a2, a1, a2
4:  \load t0, 0(a1)
    \store t0, 0(a0)
    addi a1, a1, \step
    addi a0, a0, \step
    bltu a1, a2, 4b
2:  csrc sstatus, t6
    li a0, 0
    ret
user_function_end
.endm

# n is a multiple of 8, and both addresses are: the caller has looked.
# int usercopy_words(void *dst, const void *src, size_t n)
user_copy usercopy_words, ld, sd, 8

# The same for any address and any n but 0.
# int usercopy_bytes(void *dst, const void *src, size_t n)
user_copy usercopy_bytes, lb, sb, 1

# Up to the end of the string, which is copied and not counted, or n bytes.
.macro user_string name, copy
user_function \name
    mv t1, a1
    add a2, a1, a2
4:  lb t0, 0(a1)
.if \copy
    sb t0, 0(a0)
    addi a0, a0, 1
.endif
    beqz t0, 2f
    addi a1, a1, 1
    bltu a1, a2, 4b
2:  csrc sstatus, t6
    sub a0, a1, t1
    ret
user_function_end
.endm

# long usercopy_string(char *dst, const char *src, size_t n)
user_string usercopy_string, 1

# The same, but it only counts; dst may be anything.
# long usercopy_length(char *dst, const char *src, size_t n)
user_string usercopy_length, 0
