/* exec: another program in the current process. Everything that can fail comes first, on a new
   address space; then the process changes over, which cannot fail. So whatever goes wrong, the old
   program is still there and gets an error.

   There are two entries. do_execve() is for user processes: name and arguments are addresses of the
   old program's memory, which may be wrong and which is gone after the change-over, so the strings
   are measured first, and copied to the new program's stack before that. do_kernel_execve() is for
   kernel threads, which name things by the kernel's own pointers, and have no old memory; it makes
   user processes of them.

   The program is a file that has been opened to run, and counted so: nobody writes to it from then
   on. A failed exec gives that up; else the new memory keeps it, and gives it up when it goes.

   No lock is held. The new mm is nobody else's until commit_image(), so it needs none either. */
#include <elf.h>
#include <error.h>
#include <fs/file.h>
#include <mm/kmalloc.h>
#include <mm/rmap.h>
#include <mm/usercopy.h>
#include <process/sync.h>
#include <string.h>
#include <unistd.h>

/* Programs come from the kernel's image alone while exercise 8.5 is not written: without another
   definition C gives this one the value 0 (C11, 6.9.2: it is a tentative definition). */
static bool exec_from_files;

/* EXERCISE 8.5 begin extra: the default of exec_from_files */
static bool exec_from_files = true;
/* EXERCISE 8.5 end */

/* The new program's arguments, which are where they came from until its stack is there: then they
   are copied, once. */
struct exec_args {
    int argc;
    bool own;                           /* they are the kernel's strings, not the old program's */
    uintptr_t argv[EXEC_MAX_ARG_NUM];
    uint16_t length[EXEC_MAX_ARG_NUM];  /* of each string, without its end */
};

#define SHORT_NAME  64

/* A copy of a program's name: in `space`, which has SHORT_NAME bytes, or else in an object, which
   the caller frees. 0 or an error, and then there is none. */
static int fetch_name(char *space, uintptr_t from, char **name)
{
    int length = copy_string_from_user(space, from, SHORT_NAME);

    *name = space;
    if (length != -E_TOO_BIG)
        return length < 0 ? length : 0;
    *name = kmalloc(EXEC_MAX_ARG_LEN + 1);
    if (*name == NULL)
        return -E_NO_MEM;
    length = copy_string_from_user(*name, from, EXEC_MAX_ARG_LEN + 1);
    if (length >= 0)
        return 0;
    kfree(*name);
    return length;
}

/* Find the arguments of a user process. Another thread of it may change the array and the strings
   meanwhile: each pointer is read once, and no more is copied later than what was measured here. */
static int find_args(struct exec_args *args, uintptr_t argv)
{
    for (int i = 0; i < args->argc; i++) {
        int result = copy_from_user(&args->argv[i], argv + i * sizeof(args->argv[0]),
                                    sizeof(args->argv[0]));
        if (result == 0)
            result = copy_string_from_user(NULL, args->argv[i], EXEC_MAX_ARG_LEN + 1);
        if (result < 0)
            return result;
        args->length[i] = result;
    }
    return 0;
}

/* One more argument, which is a string of the kernel's. */
static void add_own(struct exec_args *args, const char *string)
{
    args->own = true;
    args->argv[args->argc] = (uintptr_t)string;
    args->length[args->argc++] = strlen(string);
}

/* argc comes from a program, and is the length of an array. */
static int check_argc(int argc)
{
    if (argc > EXEC_MAX_ARG_NUM)
        return -E_TOO_BIG;
    return argc < 0 ? -E_INVAL : 0;
}

/* Write the arguments to the new program's stack. *sp becomes the address of argv, and that is
   where its stack begins: a multiple of 16, as the calling convention wants (RISC-V ELF psABI 1.0,
   2.1).

       USTACKTOP   +------------------------------+
                   | "prog\0" "first\0" "second\0" |  the strings, in order
                   +------------------------------+
                   | 0 to 15 bytes                |
                   | NULL                         |
                   | pointer to "second"          |
                   | pointer to "first"           |
       *sp = argv  | pointer to "prog"            |
                   +------------------------------+

   All of it is at most 32 strings of 4 KiB, far less than a stack may have. Its pages are full of
   zeros, so the strings have their ends. 0 or an error. */
static int push_args(struct mm_struct *mm, const struct exec_args *args, uintptr_t *sp)
{
    uintptr_t argv[EXEC_MAX_ARG_NUM + 1];
    size_t array = (args->argc + 1) * sizeof(uintptr_t);

    argv[args->argc] = 0;
    *sp = USTACKTOP;
    for (int i = args->argc - 1; i >= 0; i--) {
        *sp -= args->length[i] + 1;
        argv[i] = *sp;
        int result = args->own ? mm_write(mm, *sp, (void *)args->argv[i], args->length[i])
            : mm_write_from_user(mm, *sp, args->argv[i], args->length[i]);
        if (result != 0)
            return result;
    }
    *sp = ROUNDDOWN(*sp - array, 16);
    return mm_write(mm, *sp, argv, array);
}

/* The frame by which the process leaves the kernel, into the new program: it begins at `entry`,
   with its stack at sp, argc in a0 and argv, which is at sp too, in a1. The old program's frame is
   there until then. */
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

/* What the new program is to begin with. */
struct image {
    struct mm_struct *mm;
    uintptr_t entry, sp;
};

/* An empty address space for a program, with a family of its own (mm/rmap.h); NULL: no memory. */
static struct mm_struct *new_memory(void)
{
    struct mm_struct *mm = mm_create();

    if (mm == NULL || family_begin(mm) == 0)
        return mm;
    mm_put(mm);
    return NULL;
}

/* Build the memory of a program of the kernel's image. 0 with all of *image set, or an error. */
static int build_of_image(const struct user_program *program, const struct exec_args *args,
                          struct image *image)
{
    *image = (struct image){ .mm = new_memory(), .entry = program_entry(program) };
    if (image->mm == NULL)
        return -E_NO_MEM;
    int result = program_map(program, image->mm) ?: push_args(image->mm, args, &image->sp);
    if (result != 0)
        mm_put(image->mm);
    return result;
}

/* The same for a program that is a file, which may be anything: first it is checked. */
static int build_of_file(struct inode *node, const struct exec_args *args, struct image *image)
{
    /* EXERCISE 8.5 begin: build_of_file */
    struct reader file;
    struct elfhdr elf;
    int result = inode_reader(node, &file);

    if (result == 0)
        result = program_check(&file, &elf);
    if (result != 0)
        return result;
    *image = (struct image){ .mm = new_memory(), .entry = elf.e_entry };
    if (image->mm == NULL)
        return -E_NO_MEM;
    result = program_load(&file, &elf, image->mm);
    if (result == 0)
        result = push_args(image->mm, args, &image->sp);
    if (result != 0)
        mm_put(image->mm);
    return result;
    /* EXERCISE 8.5 end */
}

/* Change over to the new program. Must not fail: there is no way back. So all that the new program
   needs was made before. The old memory is given back when the hart
   does not run on it any more; a kernel thread has none. The new memory keeps the file, unless that
   is one of the image: those are always there, and nobody can write to them. */
static void commit_image(struct inode *node, const char *name, const struct image *image, int argc)
{
    /* What is called here, in order, and what each step is for:

         node's count       goes over to the new memory, or back if the program is of the image
         the new mm         others may find it from now on
         the hart           runs on the new page table
         the old mm         nobody of this process is on it any more: it may go
         the frame          the way out of the kernel leads to the new program */
    struct mm_struct *old = current->mm;

    current->program = image_program(node);
    if (current->program != NULL)
        node->runs.free(&node->runs);
    else
        image->mm->program = &node->runs;
    mm_publish(image->mm);
    proc_set_mm(image->mm);
    set_proc_name(current, name);
    sched_set_addrspace(&image->mm->as);
    sync_leave(old);
    if (old != NULL)
        mm_put(old);
    set_user_frame(current->task.tf, image->entry, image->sp, argc);
    current->task.tf->gpr.tp = current->pid;    /* as in forkret() */
}

/* Make the current process run a program, which has been opened to run. ucore does all of this in
   one function of this name; here it has steps: check, load and push on new memory, which may fail,
   and then commit. Returns argc or an error. */
static int load_icode(struct inode *node, const char *name, const struct exec_args *args)
{
    const struct user_program *program = image_program(node);
    struct image image;
    int result;

    if (program != NULL) {
        result = build_of_image(program, args, &image);
    } else if (exec_from_files) {
        result = build_of_file(node, args, &image);
    } else {
        cprintf("exec: %s is no program of the kernel's image; to load others is exercise 8.5\n",
                name);
        result = -E_UNIMP;
    }
    if (result != 0) {
        node->runs.free(&node->runs);
        return result;
    }
    commit_image(node, name, &image, args->argc);
    return args->argc;
}

/* Run the program of this name; the name and the strings in args must stay until it returns.
   Without arguments it still gets its name as the first one. The process is called by what follows
   the last slash; where programs come from the image alone, one of that name is taken. */
static int exec_program(const char *name, struct exec_args *args)
{
    struct inode *cwd = files_pwd(proc_files()), *node;
    const char *last = name;

    for (const char *c = name; *c != '\0'; c++)
        if (*c == '/')
            last = c + 1;
    int result = exec_from_files ? -E_NOENT : vfs_open_program(&image_bin, last, &node);
    if (result == -E_NOENT)
        result = vfs_open_program(cwd, name, &node);
    inode_put(cwd);
    if (result != 0)
        return result;
    if (args->argc == 0)
        add_own(args, name);
    return load_icode(node, last, args);
}

/* The name is copied first: what it says must not change while the file is looked for. */
int do_execve(uintptr_t name, int argc, uintptr_t argv)
{
    struct exec_args args;
    char space[SHORT_NAME], *program_name;
    int result = fetch_name(space, name, &program_name);

    if (result != 0)
        return result;
    args.argc = argc;
    args.own = false;
    result = check_argc(argc) ?: find_args(&args, argv);
    if (result == 0)
        result = exec_program(program_name, &args);
    if (program_name != space)
        kfree(program_name);
    return result;
}

/* The strings lie on the stack of the kernel thread or in the boot arguments. The thread's own
   stack is given up as soon as the process leaves the kernel by its frame. */
int do_kernel_execve(const char *name, int argc, const char *const argv[])
{
    struct exec_args args;
    int result = check_argc(argc);

    args.argc = 0;
    assert(current->flags & PF_KERNEL);
    while (result == 0 && args.argc < argc)
        add_own(&args, argv[args.argc]);
    result = result ?: exec_program(name, &args);
    if (result >= 0)
        proc_become_user();
    return result;
}
