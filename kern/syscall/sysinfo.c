/* System calls that tell a program about the system: its programs, processes and memory. They are
   for the shell and for programs such as ps; process/inspect.c has the figures.

   Each fills in a struct on the kernel stack, with all of its bytes, and copies that to the program
   in one piece: so no byte of the kernel's memory comes along, and no lock is held while the copy
   sleeps. What is told is true of a moment that is over when the program reads it. */
#include <error.h>
#include <mm/usercopy.h>
#include <process/inspect.h>
#include <process/proc.h>
#include <string.h>
#include <syscall/sysinfo.h>

/* It gives way between two tables, and ends early if the process is killed. */
long sys_pgdir(__not_used uint64_t arg[])
{
    print_pgdir(current->mm);
    return 0;
}

/* By counting up from 0 a shell finds all names. */
long sys_progname(uint64_t arg[])
{
    if (arg[0] >= user_program_count)
        return -E_NOENT;
    const char *name = user_programs[arg[0]].name;
    size_t size = strlen(name) + 1;

    if (size > arg[2])
        return -E_TOO_BIG;
    return copy_to_user(arg[1], name, size) ?: (int)size - 1;
}

/* A pid that is no int is higher than all that there are, or lower: neither is a process. */
long sys_procinfo(uint64_t arg[])
{
    struct procinfo info;

    if (arg[0] != (uint64_t)(int)arg[0])
        return -E_NOENT;
    int result = inspect_process((int)arg[0], &info);

    return result ?: copy_to_user(arg[1], &info, sizeof(info));
}

/* Nothing in it is of one process, so any program may ask. */
long sys_meminfo(uint64_t arg[])
{
    struct meminfo info;

    inspect_memory(&info);
    return copy_to_user(arg[0], &info, sizeof(info));
}
