/* Trap dispatch: what trapentry.S calls, with a frame. An interrupt goes to the handler that a
   driver registered; a page fault is repaired, or ends the program; other exceptions of a program
   end it. An exception in the kernel is a panic, but for three: a fault inside of a user copy, an
   ebreak that asks for exec, and one that enters the monitor.

   What trapentry.S calls begins and ends with interrupts off, and turns them on in between if what
   follows may sleep. CSRs such as stval are not read here: the frame has what they were, and a
   second trap may have changed them. The regions of exercise 1.2 are here. */
#include <debug/backtrace.h>
#include <debug/monitor.h>
#include <debug/printk.h>
#include <driver/irq.h>
#include <error.h>
#include <mm/swap.h>
#include <mm/usercopy.h>
#include <printfmt.h>
#include <process/proc.h>
#include <syscall/syscall.h>
#include <trap/trap.h>

/* The order matters: sscratch must say "in the kernel" before the first trap can come to
   trap_entry, or that would take the interrupted code for a program. Until stvec is written a fault
   goes where the firmware or entry.S has left it. scounteren is written because newer firmware
   leaves it so that a program which reads cycle or instret is killed (Privileged spec 20211203,
   4.1.5). */
void trap_init_hart(void)
{
    extern char trap_entry[];

    csr_write(sscratch, 0);             /* this hart is in the kernel: see trapentry.S */
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

/* Try to make possible the access that faulted, in the memory of the current process, whoever made
   it: the program, or the kernel in a user copy. mm_fault() takes the lock of the mm, so this may
   sleep. Returns 0 if the access can be tried again, or an error: -E_FAULT if the access is not
   allowed or if it was no page fault, -E_NO_MEM. */
static int repair_fault(const struct trapframe *tf)
{
    return mm_fault(current->mm, tf->tval, fault_access(tf->cause));
}

/* Is this trap the first floating-point instruction of a program? While FS is off such an
   instruction is illegal; now the program gets registers, which are 0, not what another process
   left in them, and the instruction is tried again. If the instruction is illegal for another
   reason, it traps a second time, with FS on. Returns false if there is nothing to give. */
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

/* What a program is told that has to end, if the error is one that says more than the cause. */
static const char *reason(int error, const char *why)
{
    if (error == -E_NO_SPACE)
        return "the disk is full, and it wrote to a hole of a file";
    if (error == -E_NO_MEM && swap_is_on())
        return "out of memory, and of swap";
    return error == -E_IO ? "a page cannot be read from the disk" : why;
}

/* Call the handler of an interrupt, with interrupts off. `interrupted` tells it what it came
   into. */
static void handle_interrupt(struct trapframe *tf)
{
    this_cpu->interrupted = tf;
    if (!irq_dispatch(tf->cause & ~CAUSE_INTERRUPT))
        panic_trap(tf, "unexpected interrupt");
}

/* The line is meant to help to find the mistake: the cause, the address or the instruction, and
   where the program was, with the nearest symbol. stval is the instruction's bits for an illegal
   one, and for a breakpoint nothing that helps; else it is an address. */
void kill_current(const struct trapframe *tf, const char *why)
{
    const char *tval = tf->cause == CAUSE_ILLEGAL ? " (instruction " : ", address ";
    char place[SYMBOL_LENGTH], detail[32] = "";

    if (tf->cause != CAUSE_BREAKPOINT)
        snprintf(detail, sizeof(detail), "%s%#lx%s", tval, tf->tval, *tval == ' ' ? ")" : "");
    current_symbol(tf->epc, place, sizeof(place));
    cprintf("%s (pid %d) was killed: %s%s, at pc %#lx (%s)%s\n",
            current->name, current->pid, why, detail, tf->epc, place,
            tf->cause == CAUSE_ILLEGAL && fpu_missing && uses_fpu(tf->tval)
            ? "; this machine has no floating-point registers" : "");
    do_exit(-E_KILLED);
}

/* The process may be told to end or to give way while it is here, by another hart too. It does so
   at the end, on the way back to user mode. */
void trap_user(struct trapframe *tf)
{
    IF_CHECK(check_trap_comes(tf));
    if (tf->cause & CAUSE_INTERRUPT) {
        handle_interrupt(tf);
    } else {
        irq_enable();
        int error = repair_fault(tf);
        const char *why = user_exception(tf, error);
        /* One that was killed while it waited for memory ends below, without a word. */
        if (why != NULL && !(error == -E_NO_MEM && atomic_load(&current->task.killed)))
            kill_current(tf, reason(error, why));
        irq_disable();
    }
    proc_give_way();
}

/* A fault inside of a function that copies from or to user memory: if the address is the user's,
   repair it, or have that function return the error. So a bad pointer that a program gives to a
   system call is an error of that call and no panic. Interrupts are as in the code that faulted
   while the repair sleeps. False if the trap is something else. */
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

/* An ebreak of the kernel. With EBREAK_SYSCALL in a7 it is a system call: exec, by which a kernel
   thread becomes a user process. If it has become one there is no thread to return to, and the
   process leaves by the frame at the top of its stack. Any other ebreak enters the monitor. At the
   end epc moves behind the instruction, which has 2 or 4 bytes. */
static bool kernel_breakpoint(struct trapframe *tf)
{
    if (tf->cause != CAUSE_BREAKPOINT)
        return false;
    if (tf->gpr.a7 != EBREAK_SYSCALL) {
        monitor(tf);
    } else {
        irq_enable();
        bool is_program = syscall_from_kernel(tf);
        irq_disable();
        if (is_program)
            trap_return(current->task.tf);
    }
    /* EXERCISE 1.2 begin: kernel_breakpoint */
    const uint16_t *instruction = (const uint16_t *)tf->epc;

    tf->epc += (*instruction & 3) == 3 ? 4 : 2;
    /* EXERCISE 1.2 end */
    return true;
}

/* An interrupt in the kernel returns to what it interrupted: the kernel is not preempted, so code
   that holds no lock need not fear that another task runs on its hart in between. Of the exceptions
   two kinds have a good reason, which the two functions know; they say no to all others, and the
   rest is a panic. A null pointer is named, because it is the mistake that is made most often: the
   first page is never mapped. */
void trap_kernel(struct trapframe *tf)
{
    const char *what = cause_name(tf->cause);

    IF_CHECK(check_trap_comes(tf));
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

/* Two things end here. sp may be far from all kernel stacks: then code has loaded a wrong sp. Or it
   is in the guard below a stack: then a recursion is too deep, or a local variable too large. */
void trap_stack_overflow(struct trapframe *tf)
{
    if (tf->gpr.sp < KSTACK_BASE || tf->gpr.sp >= KSTACK_END)
        panic_trap(tf, "sp is not in a kernel stack");      /* after a wrong switch or sret */
    cprintf("\nkernel stack overflow of %s (pid %d)", current->name, current->pid);
    panic_trap(tf, "kernel stack overflow");
}
