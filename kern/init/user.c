/* initproc and the first program: the end of booting, and the end of everything.

   initproc, pid 1, is a kernel thread. It starts a second one, which becomes the first program by
   exec, or which runs a self test. Then it waits, as the parent of that one and, because orphans
   are given to it, in the end of all processes. When none is left it compares what is in use with
   what was in use before, and switches the machine off: with success only if the program ended with
   0 and nothing has leaked. So the exit status of QEMU is a verdict on the whole run. */
#include <debug/printk.h>
#include <error.h>
#include <fs/image.h>
#include <fs/journal.h>
#include <fs/vfs.h>
#include <init/init.h>
#include <machine/machine.h>
#include <mm/reclaim.h>
#include <mm/swap.h>
#include <printfmt.h>
#include <process/proc.h>
#include <riscv/power.h>
#include <string.h>
#include <trap/trap.h>
#include <unistd.h>

/* Without init= the machine begins with a shell. */
#define DEFAULT_PROGRAM     "sh"

/* exec of a kernel thread: it becomes the program, and returns only if that cannot be, with the
   error. A kernel thread cannot use ecall for it: from S mode that calls the firmware. So it is an
   ebreak, and the trap layer sees by a7 what is meant (EBREAK_SYSCALL). At the ebreak:

       a0          SYS_exec; behind it the error
       a1, a2, a3  name, argc, argv: in the kernel's memory, which exec copies from
       a7          EBREAK_SYSCALL */
int kernel_execve(const char *name, int argc, const char **argv)
{
    register uint64_t a0 asm("a0") = SYS_exec;
    register uint64_t a1 asm("a1") = (uintptr_t)name;
    register uint64_t a2 asm("a2") = argc;
    register uint64_t a3 asm("a3") = (uintptr_t)argv;
    register uint64_t a7 asm("a7") = EBREAK_SYSCALL;

    asm volatile ("ebreak" : "+r" (a0) : "r" (a1), "r" (a2), "r" (a3), "r" (a7) : "memory");
    return a0;
}

/* Cut a command line into words, at blanks; quotes keep blanks in a word, and are left out. The
   line is changed in place, where each word ends with 0. Returns how many there are, or limit + 1
   if there are more.

   `to` is never ahead of `line`: a word is at most as long as what it stands for, and the zero
   takes the place of a blank or a quote, or of the line's own end. */
static int split_words(char *line, const char **words, int limit)
{
    char *to = line, quote = '\0';
    int n = 0;

    while (*line == ' ')
        line++;
    while (*line != '\0' && n < limit) {
        for (words[n++] = to; *line != '\0' && (quote != '\0' || *line != ' '); line++) {
            if (*line == quote)
                quote = '\0';
            else if (quote == '\0' && (*line == '\'' || *line == '"'))
                quote = *line;
            else
                *to++ = *line;
        }
        while (*line == ' ')
            line++;
        *to++ = '\0';
    }
    return *line != '\0' ? limit + 1 : n;
}

/* A kernel thread that becomes the first program. The words lie on its stack: exec copies them. If
   the disk has it, but damaged, the image's takes its place: that is how one gets to a shell to
   look what has happened. If this returns, there was no such program; its code, an error, becomes
   that of the whole run. */
static int user_main(void *arg)
{
    const char *argv[EXEC_MAX_ARG_NUM] = { DEFAULT_PROGRAM };
    char line[BOOTARGS_LENGTH];
    int argc = 1;

    if (arg != NULL) {
        memcpy(line, arg, strlen(arg) + 1);     /* a part of the boot arguments, which fit */
        argc = split_words(line, argv, EXEC_MAX_ARG_NUM);
    }
    if (argc > EXEC_MAX_ARG_NUM) {
        cprintf("init=%s cannot be run: it has more than %d words\n", argv[0], EXEC_MAX_ARG_NUM);
        return -E_TOO_BIG;
    }
    int error = kernel_execve(argv[0], argc, argv);
    if (error != -E_NOENT && vfs_root_dir != &image_root) {
        char name[64];

        cprintf("init=%s cannot be run from the disk: %s\n", argv[0], error_name(error));
        snprintf(name, sizeof(name), "image:%s", argv[0]);
        error = kernel_execve(name, argc, argv);
    }
    cprintf("init=%s cannot be run: %s\n", argv[0], error_name(error));
    return error;
}

/* Kernel threads that work for a disk: one writes to it, one pages to it. */
static struct service {
    const char *name;
    int (*run)(void *arg);
    bool (*needed)(void);
    int pid;                            /* 0: it is not needed */
} services[] = {
    { .name = "flusher", .run = journal_flusher, .needed = journal_writable },
    { .name = "pager", .run = reclaim_pager, .needed = swap_is_on },
};

/* Start those that are needed: how many there are. They come behind the first program, which has
   the same pid whether there is a disk or not. One that cannot be made is done without: a commit is
   also done when its log is full, and who needs memory brings pages out himself. */
static uint32_t start_services(void)
{
    uint32_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
        struct service *service = &services[i];

        if (!service->needed())
            continue;
        service->pid = kernel_thread(service->run, NULL, service->name);
        if (service->pid > 0)
            n++;
        else
            cprintf("the kernel thread \"%s\" cannot be made: %s; it goes on without\n",
                    service->name, error_name(service->pid));
    }
    return n;
}

/* They end with the disk. If somebody still uses that they stay, and are counted as lost, as the
   rest. */
static void end_services(void)
{
    int code;

    for (size_t i = 0; i < ARRAY_SIZE(services); i++)
        if (services[i].pid > 0 && !services[i].needed())
            wait_child(services[i].pid, &code);
}

/* The parent of all: start the first program, wait for it and for all orphans in the order in which
   they end, switch off. QEMU's exit status has 8 bits, so a code whose low bits are 0 becomes 1: it
   was no success. The count of what is in use is taken before the first program, and compared after
   the last process: so both times there is only initproc, and what differs is lost. The services
   are its children too, but they end later: they are not waited for with the others. */
static int init_main(void *arg)
{
    const struct bootargs *args = arg;

    initproc = current;                 /* before there is a child that may need an adopter */
    selftest_run(args, STAGE_INIT);
    struct inventory before = inventory_take();
    fail_plan = args->fails;
    if (args->selftest == NULL) {       /* a self test has the disk to itself */
        vfs_mount_root(block_disk());
        cprintf("  type help in the shell; ctrl-\\ enters the kernel monitor, "
                "ctrl-A x leaves QEMU\n");
    }
    int first = args->selftest != NULL
        ? kernel_thread(selftest_thread, (void *)args->selftest, "selftest")
        : kernel_thread(user_main, (void *)args->init, "init");
    uint32_t own = before.processes + (args->selftest == NULL ? start_services() : 0);
    int exit_code = first < 0 ? first : 0, code, pid;

    while ((own == before.processes || process_count() > own) && (pid = wait_child(0, &code)) > 0) {
        sched_give_way();               /* thousands of orphans may have ended already */
        if (pid != first)
            continue;
        exit_code = code;
        if (process_count() > own)
            cprintf("init ended with code %d; waiting for %u processes that it left behind\n",
                    exit_code, process_count() - own);
    }
    cprintf("init ended with code %d%s%s\n", exit_code, exit_code < 0 ? " " : "",
            exit_code < 0 ? error_name(exit_code) : "");
    /* First the disk, then the services: the flusher ends when there is no journal any more. */
    bool unmounted = vfs_unmount_all();
    end_services();
    fail_plan.kinds = 0;
    if (args->fail != NULL)
        cprintf("fail=%s: %u of %u failed\n", args->fail, fail_plan.failed, fail_plan.asked);
    if (!inventory_check(&before) || !unmounted || exit_code != 0)
        power_off((exit_code & 0xff) != 0 ? exit_code : 1);
    power_off(0);
}

/* Called when all is set up. The thread runs when a hart that is idle looks for work. Must not
   fail: there is nobody yet who could be told. */
void user_start(const struct bootargs *args)
{
    int pid = kernel_thread(init_main, (void *)args, "initproc");

    if (pid < 0)
        panic("the first kernel thread cannot be made: %s", error_name(pid));
}
