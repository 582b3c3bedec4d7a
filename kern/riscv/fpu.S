/* The instructions that touch floating-point registers: see fpu.c for when they run.

   This is the only file of the kernel that is assembled with the F and D extensions, so the
   compiler can use these registers nowhere else. C code calls the functions in S mode, with
   interrupts off and sstatus.FS not off. Besides what a function is for, it changes t0, a0 or a1
   only. */
.text

# bool fpu_try(void): can this hart load a number of 64 bits? If it cannot, fld is an illegal
# instruction and traps. So stvec leads to label 1 for this time, where a0 is still 0; if there
# was no trap a0 is 1 there. The trap changes sepc, scause and sstatus, so nothing may need these:
# it is called at boot. Label 1 is aligned to 4 bytes, because stvec's low bits are its mode.
.globl fpu_try
.type fpu_try, @function
fpu_try:
    la t0, 1f
    csrrw t0, stvec, t0
    li a0, 0
    fld f0, (sp)
    li a0, 1
.balign 4
1:  csrw stvec, t0
    ret

# void fpu_save(struct fpu_state *state): store the registers of the program that runs.
#
# On entry, from C in S mode:
#   a0          the memory for them: 32 numbers of 8 bytes, and fcsr behind them
#   f0 to f31, fcsr   the program's: the kernel has not touched them since the trap
#   sstatus.FS  not off, or each fsd is an illegal instruction
# At its ret f0 to f31 are as they were; a1 is lost.
.globl fpu_save
.type fpu_save, @function
fpu_save:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd f\n, 8*\n(a0)
    .endr
    frcsr a1
    sd a1, 256(a0)
    ret

# void fpu_restore(const struct fpu_state *state): load the registers of the program that goes on.
#
# On entry, from C in S mode: a0 is where fpu_save() has put them, or a struct of zeros for a
# program that begins; sstatus.FS is not off. At its ret f0 to f31 and fcsr are the new program's;
# a1 is lost. The writes make the hart's FS dirty. That is no loss: the frame's FS counts, and
# returns with it.
.globl fpu_restore
.type fpu_restore, @function
fpu_restore:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld f\n, 8*\n(a0)
    .endr
    ld a1, 256(a0)
    fscsr a1
    ret
