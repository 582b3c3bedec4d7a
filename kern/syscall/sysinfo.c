/* System calls that tell a program about the system: its programs, processes and memory. */
#include <error.h>
#include <mm/usercopy.h>
#include <process/inspect.h>
#include <process/proc.h>
#include <string.h>
#include <syscall/sysinfo.h>

long sys_pgdir(__not_used uint64_t arg[])
{
    print_tables(current->mm);
    return 0;
}

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

long sys_procinfo(uint64_t arg[])
{
    struct procinfo info;

    if (arg[0] != (uint64_t)(int)arg[0])
        return -E_NOENT;
    int result = inspect_process((int)arg[0], &info);

    return result ?: copy_to_user(arg[1], &info, sizeof(info));
}

long sys_meminfo(uint64_t arg[])
{
    struct meminfo info;

    inspect_memory(&info);
    return copy_to_user(arg[0], &info, sizeof(info));
}
