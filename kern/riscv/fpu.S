/* Floating-point registers: saved and restored whole. Assembled with the F and D extensions. */
.text

# bool fpu_try(void): can this hart load a number of 64 bits? FS is set. Where it cannot the
# instruction is illegal, and leads to stvec: by that on, with 0. The trap changes sepc, scause and
# sstatus: only for where these are not in use, with interrupts off.
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

# void fpu_save(struct fpu_state *state)
.globl fpu_save
.type fpu_save, @function
fpu_save:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd f\n, 8*\n(a0)
    .endr
    frcsr a1
    sd a1, 256(a0)
    ret

# void fpu_restore(const struct fpu_state *state)
.globl fpu_restore
.type fpu_restore, @function
fpu_restore:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld f\n, 8*\n(a0)
    .endr
    ld a1, 256(a0)
    fscsr a1
    ret
