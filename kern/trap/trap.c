/* Trap dispatch: interrupts to their drivers, system calls, faults, and what kills a program. */
#include <debug/monitor.h>
#include <debug/printk.h>
#include <driver/irq.h>
#include <error.h>
#include <mm/usercopy.h>
#include <process/proc.h>
#include <syscall/syscall.h>
#include <trap/trap.h>

#define EBREAK_SYSCALL  10      /* in a7: this ebreak of the kernel is a system call */

void trap_init_hart(void)
{
    extern char trap_entry[];

    csr_write(sscratch, 0);
    csr_write(stvec, trap_entry);
    csr_write(scounteren, 7);           /* user programs may read cycle, time and instret */
    fpu_init_hart();
}

uint32_t fault_access(uint64_t cause)
{
    /* EXERCISE 1.2 begin: fault_access */
    switch (cause) {
    case CAUSE_FETCH_PAGE: return VM_EXEC;
    case CAUSE_LOAD_PAGE: return VM_READ;
    case CAUSE_STORE_PAGE: return VM_WRITE;
    default: return 0;
    }
    /* EXERCISE 1.2 end */
}

/* Try to make a faulting access possible, with the mm locked. 0 or an error. */
static int repair_fault(const struct trapframe *tf)
{
    struct mm_struct *mm = current->mm;
    uint32_t access = fault_access(tf->cause);

    if (mm == NULL || access == 0 || tf->tval >= USERTOP)
        return -E_FAULT;
    mutex_lock(&mm->lock);
    int result = do_pgfault(mm, tf->tval, access);
    mutex_unlock(&mm->lock);
    return result;
}

/* The first floating-point instruction of a program: with FS off it is illegal. It starts with
   zeros, not with what another process left in the registers. Without such registers it stays
   illegal. */
static bool first_fpu_use(struct trapframe *tf)
{
    const struct fpu_state zeros = { .fcsr = 0 };

    if (tf->cause != CAUSE_ILLEGAL || (tf->status & SSTATUS_FS) != 0 || fpu_missing)
        return false;
    irq_push();
    csr_set(sstatus, SSTATUS_FS);
    fpu_restore(&zeros);
    tf->status |= SSTATUS_FS_DIRTY;
    irq_pop();
    return true;
}

const char *user_exception(struct trapframe *tf, int error)
{
    /* EXERCISE 1.2 begin: user_exception */
    if (error == 0 || first_fpu_use(tf))
        return NULL;
    return error == -E_NO_MEM ? "out of memory" : cause_name(tf->cause);
    /* EXERCISE 1.2 end */
}

static void handle_interrupt(struct trapframe *tf)
{
    this_cpu->interrupted = tf;
    if (!irq_dispatch(tf->cause & ~CAUSE_INTERRUPT))
        panic_trap(tf, "unexpected interrupt");
}

void trap_user(struct trapframe *tf)
{
    if (tf->cause & CAUSE_INTERRUPT) {
        handle_interrupt(tf);
    } else {
        irq_enable();
        const char *why = user_exception(tf, repair_fault(tf));
        if (why != NULL)
            kill_current(tf, why);
        irq_disable();
    }
    proc_give_way();
}

/* A fault in one of the functions of usercopy: repair it, or have the function return the error. */
static bool usercopy_fault(struct trapframe *tf)
{
    uintptr_t fixup = usercopy_fixup(tf->epc);

    if (fixup == 0 || tf->tval >= USERTOP || (tf->cause & CAUSE_INTERRUPT))
        return false;
    if (tf->status & SSTATUS_SPIE)
        irq_enable();                   /* the repair may sleep */
    int error = repair_fault(tf);
    if (error != 0) {
        tf->gpr.t5 = error;             /* see usercopy_asm.S */
        tf->epc = fixup;
    }
    irq_disable();
    return true;
}

/* An ebreak of the kernel: a system call, or a call of the monitor. The call is exec, by which a
   kernel thread becomes a user process: that does not return to the thread, but leaves by the
   frame at the top of the stack. */
static bool kernel_breakpoint(struct trapframe *tf)
{
    if (tf->cause != CAUSE_BREAKPOINT)
        return false;
    if (tf->gpr.a7 != EBREAK_SYSCALL) {
        monitor(tf);
    } else {
        irq_enable();
        syscall(tf);
        irq_disable();
        if (current->mm != NULL)
            trap_return(current->task.tf);
    }
    /* EXERCISE 1.2 begin: kernel_breakpoint */
    const uint16_t *instruction = (const uint16_t *)tf->epc;

    tf->epc += (*instruction & 3) == 3 ? 4 : 2;
    /* EXERCISE 1.2 end */
    return true;
}

void trap_kernel(struct trapframe *tf)
{
    const char *what = cause_name(tf->cause);

    if (tf->cause & CAUSE_INTERRUPT) {
        handle_interrupt(tf);
        return;
    }
    if (usercopy_fault(tf) || kernel_breakpoint(tf))
        return;
    if (fault_access(tf->cause) != 0 && tf->tval < PGSIZE)
        what = "page fault: the kernel used a null pointer";
    panic_trap(tf, what);
}

void trap_stack_overflow(struct trapframe *tf)
{
    if (tf->gpr.sp < KSTACK_BASE || tf->gpr.sp >= KSTACK_END)
        panic_trap(tf, "sp is not in a kernel stack");      /* after a wrong switch or sret */
    cprintf("\nkernel stack overflow of %s (pid %d)", current->name, current->pid);
    panic_trap(tf, "kernel stack overflow");
}
