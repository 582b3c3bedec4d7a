/* exec: everything that can fail comes first, on a new address space; then the process changes
   over. Whatever goes wrong, the old program is still there. */
#include <error.h>
#include <mm/kmalloc.h>
#include <mm/usercopy.h>
#include <process/proc.h>
#include <string.h>
#include <unistd.h>

/* The new program's arguments, copied out of the old one. */
struct exec_args {
    int argc;
    char *argv[EXEC_MAX_ARG_NUM];
};

/* A new object with a copy of a string; NULL where there is no memory. */
static char *duplicate(const char *s, size_t length)
{
    char *copy = kmalloc(length + 1);

    if (copy != NULL) {
        memcpy(copy, s, length);
        copy[length] = '\0';
    }
    return copy;
}

/* Copy a string to a new object: a user's string, or a kernel thread's own. */
static int fetch_string(uintptr_t from, char **result)
{
    char *buf;

    if (current->mm == NULL) {
        *result = duplicate((const char *)from, strlen((const char *)from));
        return *result == NULL ? -E_NO_MEM : 0;
    }
    buf = kmalloc(EXEC_MAX_ARG_LEN + 1);
    if (buf == NULL)
        return -E_NO_MEM;
    int length = copy_string_from_user(buf, from, EXEC_MAX_ARG_LEN + 1);
    *result = length < 0 ? NULL : duplicate(buf, length);
    kfree(buf);
    if (length < 0)
        return length;
    return *result == NULL ? -E_NO_MEM : 0;
}

static int fetch_pointer(uintptr_t from, uintptr_t *result)
{
    if (current->mm != NULL)
        return copy_from_user(result, from, sizeof(*result));
    *result = *(const uintptr_t *)from;
    return 0;
}

/* Without arguments a program still gets its name. */
static int fetch_args(struct exec_args *args, uintptr_t name, int argc, uintptr_t argv)
{
    if (argc > EXEC_MAX_ARG_NUM)
        return -E_TOO_BIG;
    if (argc < 0)
        return -E_INVAL;
    if (argc == 0) {
        args->argc = 1;
        return fetch_string(name, &args->argv[0]);
    }
    while (args->argc < argc) {
        uintptr_t string;
        int result = fetch_pointer(argv + args->argc * sizeof(uintptr_t), &string);

        if (result == 0)
            result = fetch_string(string, &args->argv[args->argc]);
        if (result != 0)
            return result;
        args->argc++;
    }
    return 0;
}

static void free_args(struct exec_args *args)
{
    for (int i = 0; i < EXEC_MAX_ARG_NUM; i++)
        kfree(args->argv[i]);
}

/* The strings go to the very top of the stack, below them the array of pointers to them, which NULL
   ends. *sp becomes the address of that array. */
static int push_args(struct mm_struct *mm, const struct exec_args *args, uintptr_t *sp)
{
    uintptr_t argv[EXEC_MAX_ARG_NUM + 1] = { 0 };
    size_t array = (args->argc + 1) * sizeof(uintptr_t);

    *sp = USTACKTOP;
    for (int i = args->argc - 1; i >= 0; i--) {
        size_t size = strlen(args->argv[i]) + 1;

        *sp -= size;
        argv[i] = *sp;
        int result = mm_write(mm, *sp, args->argv[i], size);
        if (result != 0)
            return result;
    }
    *sp = ROUNDDOWN(*sp - array, 16);
    return mm_write(mm, *sp, argv, array);
}

/* The frame by which the process leaves the kernel, into the new program. */
static void set_user_frame(struct trapframe *tf, uintptr_t entry, uintptr_t sp, int argc)
{
    /* EXERCISE 5.1 begin: set_user_frame */
    uint64_t status = csr_read(sstatus);

    memset(tf, 0, sizeof(*tf));
    tf->gpr.sp = sp;
    tf->gpr.a0 = argc;
    tf->gpr.a1 = sp;
    tf->epc = entry;
    tf->status = (status & ~(SSTATUS_SPP | SSTATUS_SIE | SSTATUS_SUM | SSTATUS_FS)) | SSTATUS_SPIE;
    /* EXERCISE 5.1 end */
}

/* Build the new program's memory. On success *new_mm and *sp are set. */
static int build_image(const struct user_program *program, const struct exec_args *args,
                       struct mm_struct **new_mm, uintptr_t *sp)
{
    int result = program_check(program);

    if (result != 0)
        return result;
    struct mm_struct *mm = mm_create();

    if (mm == NULL)
        return -E_NO_MEM;
    result = program_load(program, mm);
    if (result == 0)
        result = push_args(mm, args, sp);
    if (result != 0) {
        mm_put(mm);
        return result;
    }
    *new_mm = mm;
    return 0;
}

/* Change over to the new program; nothing here can fail. */
static void commit_image(const struct user_program *program, struct mm_struct *mm, uintptr_t sp,
                         int argc)
{
    struct mm_struct *old = current->mm;

    proc_set_mm(mm);
    current->program = program;
    set_proc_name(current, program->name);
    sched_set_addrspace(&mm->as);
    if (old != NULL)
        mm_put(old);
    set_user_frame(current->task.tf, program_entry(program), sp, argc);
}

static int load_icode(const struct user_program *program, const struct exec_args *args)
{
    struct mm_struct *mm;
    uintptr_t sp;
    int result = build_image(program, args, &mm, &sp);

    if (result == 0) {
        commit_image(program, mm, sp, args->argc);
        result = args->argc;
    }
    return result;
}

int do_execve(uintptr_t name, int argc, uintptr_t argv)
{
    struct exec_args args = { .argc = 0 };
    char *program_name = NULL;
    int result = fetch_string(name, &program_name);

    if (result == 0)
        result = fetch_args(&args, name, argc, argv);
    if (result == 0) {
        const struct user_program *program = program_find(program_name);

        result = program == NULL ? -E_NOENT : load_icode(program, &args);
    }
    free_args(&args);
    kfree(program_name);
    return result;
}
