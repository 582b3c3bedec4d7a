/* Loops that touch user memory. SUM is set only between the labels 1 and 2; a fault there that
   cannot be repaired goes on at label 3, as .extable says, with the error in t5. */
#include <riscv/csr.h>

.macro user_function name
.globl \name
.type \name, @function
\name:
    li t6, SSTATUS_SUM
    csrs sstatus, t6
1:
.endm

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

# int usercopy_words(void *dst, const void *src, size_t n)
user_function usercopy_words
    add a2, a1, a2
4:  ld t0, 0(a1)
    sd t0, 0(a0)
    addi a1, a1, 8
    addi a0, a0, 8
    bltu a1, a2, 4b
2:  csrc sstatus, t6
    li a0, 0
    ret
user_function_end

# int usercopy_bytes(void *dst, const void *src, size_t n)
user_function usercopy_bytes
    add a2, a1, a2
4:  lb t0, 0(a1)
    sb t0, 0(a0)
    addi a1, a1, 1
    addi a0, a0, 1
    bltu a1, a2, 4b
2:  csrc sstatus, t6
    li a0, 0
    ret
user_function_end

# long usercopy_string(char *dst, const char *src, size_t n)
user_function usercopy_string
    mv t1, a1
    add a2, a1, a2
4:  lb t0, 0(a1)
    sb t0, 0(a0)
    beqz t0, 2f
    addi a1, a1, 1
    addi a0, a0, 1
    bltu a1, a2, 4b
2:  csrc sstatus, t6
    sub a0, a1, t1
    ret
user_function_end
