/* The trap entry of a hart that watches a word: see watched_word.h.

   It is in stvec in place of trap_entry, to which it leads on for all that is not an access to the
   word. Such an access is done in C, and the code goes on behind it.

   Only the kernel runs meanwhile, so sp is a kernel stack and tp the struct cpu. trap_entry expects
   all registers as they were when the trap came: so each that is used here is put back first. */
#include <riscv/csr.h>
#include <riscv/trapframe.h>

.text
.balign 4                       # stvec's low bits are its mode
.globl watched_word_trap
.type watched_word_trap, @function
watched_word_trap:
    addi sp, sp, -TF_SIZE
    sd t0, TF_REG(5)(sp)
    sd t1, TF_REG(6)(sp)

    # Is it a fault at the word's address? An interrupt has another cause, and no address.
    csrr t0, scause
    addi t0, t0, -CAUSE_LOAD_PAGE
    andi t0, t0, ~(CAUSE_STORE_PAGE - CAUSE_LOAD_PAGE)
    bnez t0, other
    csrr t0, stval
    la t1, watched_word_address
    ld t1, 0(t1)
    bne t0, t1, other

    # The access is done in C, with all registers in a frame; then what follows it goes on.
    .irp n, 1,3,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, TF_REG(\n)(sp)
    .endr
    addi t0, sp, TF_SIZE
    sd t0, TF_SP(sp)
    csrr t0, sepc
    sd t0, TF_EPC(sp)
    mv a0, sp
    call watched_word_access
    ld t0, TF_EPC(sp)
    csrw sepc, t0
    .irp n, 1,3,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, TF_REG(\n)(sp)
    .endr
    addi sp, sp, TF_SIZE
    sret

other:
    ld t0, TF_REG(5)(sp)
    ld t1, TF_REG(6)(sp)
    addi sp, sp, TF_SIZE
    j trap_entry
