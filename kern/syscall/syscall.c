/* The table of system calls, and the functions in it. Each gets the argument registers of the
   caller, checks them, and returns the result for a0: a long, so that a pointer or an offset fits,
   negative for -E_. What the calls do for programs is told in libs/unistd.h and user/libs/ulib.h.

   Nothing that a program passes is believed. A register has 64 bits: a number that does not fit
   into what it stands for is refused, or taken for the most that there is; it is never cut, which
   would make another number of it. Only an exit code is its lower 32 bits, and a character its
   lower 8. An address is only used by copy_from_user() and copy_to_user().

   Interrupts are on and no lock is held when a function is called, so it may sleep; the process may
   be killed meanwhile, and then a long call ends early. What a program can make long gives way. */
#include <debug/printk.h>
#include <error.h>
#include <fs/file.h>
#include <fs/mmap.h>
#include <mm/usercopy.h>
#include <process/group.h>
#include <sched/timer.h>
#include <syscall/syscall.h>
#include <syscall/sysfile.h>
#include <syscall/sysinfo.h>
#include <syscall/syssync.h>
#include <unistd.h>

/* Is it the 64 bits of an int? So that the lower half of a larger number is not taken for one. */
static bool is_int(uint64_t arg)
{
    return (uint64_t)(int)arg == arg;
}

/* (code) */
static long sys_exit(uint64_t arg[])
{
    do_exit((int)arg[0]);
}

/* (): the child's pid, and 0 in the child, whose frame do_fork() makes. */
static long sys_fork(__not_used uint64_t arg[])
{
    return do_fork(0, 0, current->task.tf);
}

/* EXERCISE 5.C begin extra: sys_vfork */
static long sys_vfork(__not_used uint64_t arg[])
{
    return do_vfork(current->task.tf);
}
/* EXERCISE 5.C end */

/* (CLONE_ flags, stack or 0): as fork. Flags that are not known are refused, so that they can be
   given a meaning. CLONE_THREAD changes nothing. */
static long sys_clone(uint64_t arg[])
{
    uint32_t known = CLONE_VM | CLONE_THREAD | CLONE_FS;

    if (arg[0] & ~(uint64_t)known)
        return -E_INVAL;
    return do_fork(arg[0], arg[1], current->task.tf);
}

/* Wait for a child. -1 is any child, as in POSIX, and 0 is any, as in ucore: do_wait() knows 0. */
static long wait_for(uint64_t pid, uintptr_t code_store, bool block)
{
    if (!is_int(pid))
        return -E_BAD_PROC;
    return do_wait((int)pid == -1 ? 0 : (int)pid, code_store, block);
}

/* (pid, int *code): 0 when a child was waited for. */
static long sys_wait(uint64_t arg[])
{
    return wait_for(arg[0], arg[1], true);
}

/* (pid, int *code): the same, or -E_BUSY if none has ended yet. */
static long sys_trywait(uint64_t arg[])
{
    return wait_for(arg[0], arg[1], false);
}

/* The process has another program now: leave by its frame, all registers of which must be loaded.
   There is nothing to return to: the frame from which the call came is that frame by now. As at the
   end of each call, the process gives way or ends here if it has to. */
static __never_returns void start_program(long argc)
{
    struct trapframe *tf = current->task.tf;

    tf->gpr.a0 = argc;
    irq_disable();
    proc_give_way();
    trap_return(tf);
}

/* (name, argc, argv): argc, which is the new program's a0. The one call that the kernel makes
   itself, by ebreak: its pointers are the kernel's then. Only a kernel thread can come here that
   way, and only that way. */
static long sys_exec(uint64_t arg[])
{
    if (!is_int(arg[1]))
        return -E_INVAL;
    if (current->flags & PF_KERNEL)
        return do_kernel_execve((const char *)arg[0], (int)arg[1], (const char **)arg[2]);
    int result = do_execve(arg[0], (int)arg[1], arg[2]);
    if (result >= 0)
        start_program(result);
    return result;
}

/* (ticks). A longer sleep would end after more than a year, so it may as well end then. */
static long sys_sleep(uint64_t arg[])
{
    return do_sleep(arg[0] < UINT32_MAX ? arg[0] : UINT32_MAX);
}

/* (pid, or -pid for the group that it leads) */
static long sys_kill(uint64_t arg[])
{
    return is_int(arg[0]) ? do_kill((int)arg[0]) : -E_INVAL;
}

/* (): milliseconds since boot. gettime_msec() takes the lower 32 bits. */
static long sys_gettime(__not_used uint64_t arg[])
{
    return timer_milliseconds();
}

/* (): it never changes, so no lock is needed. */
static long sys_getpid(__not_used uint64_t arg[])
{
    return current->pid;
}

/* (uintptr_t *end): take the heap's wanted end from the user's word, and store there what it is
   now, also if it could not be moved. The mm's mutex is not held in a user copy, because a fault
   there may need it. */
static long sys_brk(uint64_t arg[])
{
    struct mm_struct *mm = current->mm;
    uintptr_t brk;
    int result = copy_from_user(&brk, arg[0], sizeof(brk));

    if (result != 0)
        return result;
    mutex_lock(&mm->lock);
    if (brk != 0)
        result = mm_brk(mm, brk);
    brk = mm->brk;
    mutex_unlock(&mm->lock);
    return copy_to_user(arg[0], &brk, sizeof(brk)) ?: result;
}

/* Add an area for mmap, at *addr or, if that is 0, where there is room; then *addr says where. The
   program's areas end where the stack may begin to grow; the two comparisons cannot wrap. A file is
   mapped from `offset` on; NULL: it is memory of zeros. The mm is locked. 0 or an error. */
static int map_area(struct mm_struct *mm, uintptr_t *addr, size_t len, uint32_t flags,
                    const struct file *file, uint64_t offset)
{
    uint32_t vm_flags = VM_READ | (flags & MMAP_WRITE ? VM_WRITE : 0)
        | (flags & MMAP_STACK ? VM_STACK : 0) | (flags & MMAP_SHARED ? VM_SHARED : 0);

    if (*addr == 0)
        *addr = mm_find_room(mm, len, vm_flags);
    if (*addr == 0)
        return -E_NO_MEM;
    if (len > USTACKBASE || *addr > USTACKBASE - len)
        return -E_INVAL;
    if (file != NULL)
        return mmap_file(mm, file->node, file->flags, *addr, len, vm_flags, offset);
    return mm_map(mm, *addr, len, vm_flags);
}

/* The flags that mmap knows, for memory and for a file. */
static bool mmap_flags_ok(uint64_t flags)
{
    uint32_t known = flags & MMAP_FILE ? MMAP_FILE | MMAP_WRITE | MMAP_SHARED
        : MMAP_WRITE | MMAP_STACK;

    return (flags & ~(uint64_t)known) == 0;
}

/* (uintptr_t *addr, length, MMAP_ flags, and with MMAP_FILE a descriptor and an offset). Map at the
   address in the user's word, or anywhere if that is 0; store where it is. If it cannot be stored,
   the program would not know of its memory, so that is taken back. A length that is so large that
   rounding wraps becomes 0. The descriptor may be closed afterwards: the area has the inode. */
static long sys_mmap(uint64_t arg[])
{
    struct file *file = NULL;
    struct mm_struct *mm = current->mm;
    uintptr_t addr, wanted;
    size_t len = ROUNDUP(arg[1], PGSIZE);
    int result = copy_from_user(&wanted, arg[0], sizeof(wanted));

    if (result != 0)
        return result;
    if (len == 0 || !mmap_flags_ok(arg[2]))
        return -E_INVAL;
    if ((arg[2] & MMAP_FILE) && (file = file_get(current->files, arg[3])) == NULL)
        return -E_INVAL;
    /* `wanted` is kept: the program's word may be another one by now, and is not read again. */
    addr = wanted;
    mutex_lock(&mm->lock);
    result = map_area(mm, &addr, len, arg[2], file, arg[4]);
    mutex_unlock(&mm->lock);
    if (file != NULL)
        file_put(file);
    if (result != 0 || addr == wanted)
        return result;
    result = copy_to_user(arg[0], &addr, sizeof(addr));
    if (result != 0) {
        mutex_lock(&mm->lock);
        result = mm_unmap(mm, addr, len) ?: result;
        mutex_unlock(&mm->lock);
    }
    return result;
}

/* (addr, length). mm_unmap() refuses a range that wraps or is not the user's. */
static long sys_munmap(uint64_t arg[])
{
    struct mm_struct *mm = current->mm;
    size_t len = ROUNDUP(arg[1], PGSIZE);

    if (len == 0)
        return -E_INVAL;
    mutex_lock(&mm->lock);
    int result = mm_unmap(mm, arg[0], len);
    mutex_unlock(&mm->lock);
    return result;
}

/* (addr, length): what lies there of shared files is on the disk. */
static long sys_msync(uint64_t arg[])
{
    size_t len = ROUNDUP(arg[1], PGSIZE);

    /* Rounded up, a length near the end of the numbers becomes a small one. */
    if (arg[0] % PGSIZE != 0 || len < arg[1])
        return -E_INVAL;
    if (len == 0)
        return 0;
    if (!user_range_ok(arg[0], arg[0] + len))
        return -E_FAULT;
    return mmap_sync(current->mm, arg[0], len);
}

/* (character) */
static long sys_putc(uint64_t arg[])
{
    char c = arg[0];

    print_bytes(&c, 1);
    return 0;
}

/* (JOB_ what) */
static long sys_job(uint64_t arg[])
{
    return is_int(arg[0]) ? do_job((int)arg[0]) : -E_INVAL;
}

/* (priority): the scheduler takes what is out of range for the nearest that is in it. */
static long sys_lab6_set_priority(uint64_t arg[])
{
    sched_set_priority(&current->task, arg[0]);
    return 0;
}

/* By number; NULL in the holes. The table is as long as the highest number asks for: ucore's
   numbers have many holes, and it would be no gain to do without them. A new call gets a line here,
   a number in libs/unistd.h and a function in user/libs/ulib.c. */
static long (*const syscalls[])(uint64_t arg[]) = {
    [SYS_exit] = sys_exit,
    [SYS_fork] = sys_fork,
    [SYS_wait] = sys_wait,
    [SYS_exec] = sys_exec,
    [SYS_clone] = sys_clone,
    [SYS_yield] = do_yield,
    [SYS_sleep] = sys_sleep,
    [SYS_kill] = sys_kill,
    [SYS_gettime] = sys_gettime,
    [SYS_getpid] = sys_getpid,
    [SYS_brk] = sys_brk,
    [SYS_mmap] = sys_mmap,
    [SYS_munmap] = sys_munmap,
    [SYS_putc] = sys_putc,
    [SYS_pgdir] = sys_pgdir,
    [SYS_progname] = sys_progname,
    [SYS_job] = sys_job,
    /* EXERCISE 5.C begin extra: entry of sys_vfork */
    [SYS_vfork] = sys_vfork,
    /* EXERCISE 5.C end */
    [SYS_procinfo] = sys_procinfo,
    [SYS_meminfo] = sys_meminfo,
    [SYS_trywait] = sys_trywait,
    [SYS_open] = sys_open,
    [SYS_close] = sys_close,
    [SYS_read] = sys_read,
    [SYS_write] = sys_write,
    [SYS_seek] = sys_seek,
    [SYS_fstat] = sys_fstat,
    [SYS_fsync] = sys_fsync,
    [SYS_chdir] = sys_chdir,
    [SYS_getcwd] = sys_getcwd,
    [SYS_mkdir] = sys_mkdir,
    [SYS_link] = sys_link,
    [SYS_rename] = sys_rename,
    [SYS_readlink] = sys_readlink,
    [SYS_symlink] = sys_symlink,
    [SYS_unlink] = sys_unlink,
    [SYS_getdirentry] = sys_getdirentry,
    [SYS_dup] = sys_dup,
    [SYS_pipe] = sys_pipe,
    [SYS_rmdir] = sys_rmdir,
    [SYS_truncate] = sys_truncate,
    [SYS_ftruncate] = sys_ftruncate,
    [SYS_lstat] = sys_lstat,
    [SYS_sync] = sys_sync,
    [SYS_fsinfo] = sys_fsinfo,
    [SYS_msync] = sys_msync,
    [SYS_lab6_set_priority] = sys_lab6_set_priority,
    [SYS_sem_init] = sys_sem_init,
    [SYS_sem_post] = sys_sem_post,
    [SYS_sem_wait] = sys_sem_wait,
    [SYS_sem_free] = sys_sem_free,
    [SYS_sem_get_value] = sys_sem_get_value,
    [SYS_mutex_create] = sys_mutex_create,
    [SYS_mutex_lock] = sys_mutex_lock,
    [SYS_mutex_unlock] = sys_mutex_unlock,
    [SYS_condvar_create] = sys_condvar_create,
    [SYS_condvar_wait] = sys_condvar_wait,
    [SYS_condvar_signal] = sys_condvar_signal,
    [SYS_condvar_broadcast] = sys_condvar_broadcast,
    [SYS_enable_deadlock_detect] = sys_enable_deadlock_detect,
};

/* Do the call of this number, with the arguments that are in the frame, and put its result there.
   After the exec of a kernel thread that frame is one in the kernel, and nobody looks at it. */
static inline void dispatch(struct trapframe *tf, uint64_t number)
{
    /* EXERCISE 5.2 begin: dispatch */
    long result = -E_UNIMP;

    if (likely(number < ARRAY_SIZE(syscalls) && syscalls[number] != NULL))
        result = syscalls[number](&tf->gpr.a1);
    tf->gpr.a0 = result;
    /* EXERCISE 5.2 end */
}

/* inline, so that gdb's `break syscall` stops in the functions below too. */
inline void syscall(struct trapframe *tf)
{
    dispatch(tf, tf->gpr.a0);
}

/* The whole way of a system call:

     program   a0 = number, a1 to a5 = arguments, ecall
     kernel    trap_entry          registers go to the frame; epc += 4      trap/trapentry.S
               syscall_from_user   interrupts on                            here
               dispatch            finds the function by its number
               sys_...             checks arguments, does the work
               dispatch            a0 of the frame = result
               syscall_from_user   interrupts off; gives way, or ends
               trap_return_short   registers come from the frame; sret      riscv/trapret.S
     program   goes on behind the ecall, with the result in a0

   A process that has been killed meanwhile ends in proc_give_way(). A call that does not come back
   here is exit, and an exec that has succeeded: see start_program(). */
void syscall_from_user(struct trapframe *tf)
{
    irq_enable();
    syscall(tf);
    irq_disable();
    if (unlikely(atomic_load(&current->task.need_resched)))
        proc_give_way();
}

/* A kernel thread stays one unless exec has succeeded, whatever the result in a0 may be. */
bool syscall_from_kernel(struct trapframe *tf)
{
    syscall(tf);
    return !(current->flags & PF_KERNEL);
}
