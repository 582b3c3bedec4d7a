/* Floating-point registers at boot and at a switch. The instructions themselves are in fpu.S;
   nothing else in the kernel is compiled for these registers.

   They are saved lazily. sstatus.FS tells the state of the registers in the hart, and each task has
   its own value in its trap frame (Privileged spec 20211203, 3.1.6.6 and 4.1.1):

     off     the program has used none yet; its first such instruction traps as an illegal one
     clean   the task's struct fpu_state has what the registers have
     dirty   the registers have changed since: they must be saved before another task uses them

   Most tasks stay off, and cost nothing at a switch. */
#include <riscv/context.h>
#include <riscv/csr.h>
#include <riscv/trapframe.h>

bool fpu_missing;

/* FS stays 0 on a hart without F, and under Zfinx. On a hart that has F but not D it can be set,
   but numbers of 64 bits cannot be loaded: fpu_try() sees that. At the end FS is off, so that the
   first use by a program is noticed. */
void fpu_init_hart(void)
{
    csr_set(sstatus, SSTATUS_FS);
    if ((csr_read(sstatus) & SSTATUS_FS) == 0 || !fpu_try())
        fpu_missing = true;
    csr_clear(sstatus, SSTATUS_FS);
}

/* FS is set in this hart for the time of the switch; the frame's own value, by which the task
   leaves the kernel, is what trap_return() puts into sstatus. */
void fpu_switch(struct fpu_state *from, struct trapframe *from_tf,
                const struct fpu_state *to, const struct trapframe *to_tf)
{
    if ((from_tf->status & SSTATUS_FS) == SSTATUS_FS_DIRTY) {
        csr_set(sstatus, SSTATUS_FS);
        fpu_save(from);
        from_tf->status ^= SSTATUS_FS_DIRTY ^ SSTATUS_FS_CLEAN;
    }
    if ((to_tf->status & SSTATUS_FS) != 0) {
        csr_set(sstatus, SSTATUS_FS);
        fpu_restore(to);
    }
}
