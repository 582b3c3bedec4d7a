/* Memory that runs out, at every point where it can: a test takes all pages but k, has the kernel
   do something big, and takes all but k + 1, until that works. Each time the answer must be an
   error, or the end of one process, and all that was taken must be back.

   "oom-kernel" does so with a kernel thread, an address space, open files and an exec;
   "oom-programs" with programs that fork, map, grow and fault; "oom-sync" with one whose children
   wait. A function that goes on without looking for NULL panics; one that forgets to give something
   back is found by the count, which names the attempt. Then a k for which it happens is known, and
   the case can be repeated.

   Alone: make grade GRADE=--all TEST=oom-kernel. It belongs to no exercise. */
#include <error.h>
#include <fs/file.h>
#include <mm/vmm.h>
#include <process/proc.h>
#include <test/testlib.h>

#define AREAS       150             /* so many that copying them needs new slabs */
#define OPENS       100             /* likewise for files */
#define PATIENCE    6000            /* pages; what has not worked by then never will */

/* Do something with little memory. Returns 0 if it worked, else an error or an exit code. */
/* It must be the same each time it is called, or the loop below has no meaning. */
typedef int (*attempt_fn)(void *arg);

/* Only its making is of interest. */
static int idle_thread(void *arg)
{
    (void)arg;
    return 0;
}

/* A kernel thread is made or not; what it runs may fail by itself. Returns an error or the exit
   code. */
static int run_thread(int (*fn)(void *), void *arg)
{
    int pid = kernel_thread(fn, arg, "oom test"), code = -1;

    if (pid < 0)
        return pid;
    assert(wait_child(pid, &code) >= 0);
    return code;
}

/* The smallest attempt: a struct proc_struct, a stack, and an end. */
static int try_thread(void *arg)
{
    return run_thread(idle_thread, arg);
}

/* The program may be refused by exec, be killed, or end as it likes. */
static int try_program(void *name)
{
    return run_thread(test_exec, name);
}

/* Attempt it with more and more memory, by `step` pages, until it works. What is there then is what
   was there at first, without what the test holds. A larger step is for attempts that take long: it
   leaves out some of the points.

       k = 0    |xxxxxxxxxxxxxxxxxxxxxxxx|      x: held by the test; the attempt has nothing
       k = 1    |.xxxxxxxxxxxxxxxxxxxxxxx|      one page: it comes a little further
       k = 2    |..xxxxxxxxxxxxxxxxxxxxxx|      and so on, until it works */
static void starve(const char *what, attempt_fn attempt, void *arg, size_t step)
{
    const struct inventory before = inventory_take();
    struct hoard hoard = { .count = 0 };
    size_t k = 0;
    int result = attempt(arg);

    /* So what fails later fails for want of memory. */
    assert_eq(result, 0);                       /* with all memory it works */
    inventory_settle(&before, what);
    for (;; k += step) {
        hoard_take(&hoard);
        hoard_give(&hoard, k);
        struct inventory little = before;

        /* What must be there after the attempt: all but the hoard. */
        little.pages -= hoard.count;
        result = attempt(arg);
        inventory_settle(&little, what);
        if (result == 0)
            break;
        /* An attempt that never works has perhaps an error of another kind, which it always
           returns. */
        if (k > PATIENCE)
            panic("%s fails with %d though there are %lu pages", what, result, k);
    }
    hoard_end(&hoard);
    cprintf("%s: needs %lu pages\n", what, k);
}

/* Everything about an address space that takes memory: areas, the heap, pages, tables, a copy, and
   the pages that the copy makes at a write. The kernel's own errors are known here, so that each
   must be the right one. Whatever fails, both address spaces are given back at the end. */
static int try_mm(void *arg)
{
    struct mm_struct *mm = mm_create(), *copy = NULL;
    int result = -E_NO_MEM;

    (void)arg;
    if (mm == NULL)
        return -E_NO_MEM;
    /* A heap; else mm_brk() would refuse. */
    mm->brk_start = mm->brk = 0x10000000;
    result = mm_map(mm, 0x20000000, 20 * PGSIZE, VM_READ | VM_WRITE);
    if (result == 0)
        result = mm_brk(mm, 0x10000000 + 5 * PGSIZE);
    for (int i = 0; i < AREAS && result == 0; i++)
        result = mm_map(mm, 0x30000000 + 2 * i * PGSIZE, PGSIZE, VM_READ);
    for (int i = 0; i < 20 && result == 0; i++)
        result = do_pgfault(mm, 0x20000000 + i * PGSIZE, VM_WRITE);
    if (result == 0)
        result = mm_unmap(mm, 0x20000000 + 5 * PGSIZE, PGSIZE);
    if (result == 0)
        copy = mm_create();
    if (result == 0 && copy == NULL)
        result = -E_NO_MEM;
    if (result == 0)
        result = mm_dup(copy, mm);
    if (result == 0)
        assert_eq(copy->map_count, mm->map_count);
    for (int i = 10; i < 20 && result == 0; i++)        /* break the sharing */
        result = do_pgfault(copy, 0x20000000 + i * PGSIZE, VM_WRITE);
    if (result == 0)
        result = mm_write(copy, 0x10000000, "argument", 9);
    /* Whatever has been made so far goes back here, half a copy as well. */
    if (copy != NULL)
        mm_put(copy);
    mm_put(mm);
    assert_eq(result == 0 ? 0 : -E_NO_MEM, result);     /* no other error */
    return result;
}

/* A table of descriptors, with programs of the image that are open, a pipe, and a copy of it all:
   what a process has that opens files. Only the first error is told; what was opened is closed. */
static int try_files(void *arg)
{
    struct files_struct *files = NULL, *copy = NULL;
    int result = files_own(&files), fd[2];

    (void)arg;
    for (int i = 0; i < OPENS && result >= 0; i++)
        result = file_open(files, "/bin/true", O_RDONLY);
    if (result >= 0)
        result = file_dup(files, result, NO_FD);
    if (result >= 0)
        result = file_pipe(files, fd);
    if (result == 0)
        result = files_chdir(files, "/bin");
    if (result == 0)
        result = files_copy(files, false, &copy);
    if (copy != NULL)
        files_put(copy);
    if (files != NULL)
        files_put(files);
    assert_eq(result == 0 ? 0 : -E_NO_MEM, result);
    return result;
}

/* From small to large; the last one reads a program. */
static void test_oom(void)
{
    struct inventory before = inventory_take();

    starve("a kernel thread", try_thread, NULL, 1);
    starve("an address space", try_mm, NULL, 1);
    starve("a table of descriptors", try_files, NULL, 1);
    starve("exec of true", try_program, "true", 1);
    inventory_same(&before, "all memory was taken");
}

/* If it panics with "pages lost": the message names the attempt, and the line before it the last
   one that worked. Break at starve() and step to the k at which it goes wrong; then the caller of
   the function that returned NULL is the one to look at. */
SELFTEST("oom-kernel", test_oom);

/* Programs that fork, map, grow and fault. What they do when they fail is their affair: they may
   report an error, panic, or be killed; only the kernel must stand and lose nothing. */
static void test_oom_programs(void)
{
    static const struct { char *name; size_t step; } programs[] = {
        { "forktest", 11 }, { "mmap", 9 }, { "brk", 5 }, { "demandzero", 11 }, { "cow", 7 },
        { "stackgrow", 9 }, { "wait", 5 },
    };
    struct inventory before = inventory_take();

    for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
        starve(programs[i].name, try_program, programs[i].name, programs[i].step);
    inventory_same(&before, "programs ran out of memory");
}

/* user/oomsync.c says how it may end. The kernel's exec may be short of memory itself. */
static int try_sync(void *words)
{
    int result = run_thread(test_exec_words, words);

    if (result != 0 && result != 55 && result != -E_KILLED && result != -E_NO_MEM)
        panic("oomsync ends with %d", result);
    return result;
}

/* Semaphores, mutexes and condition variables, and those who wait for them: what is refused must
   leave nobody asleep, and no object. */
static void test_oom_sync(void)
{
    static const char *plain[] = { "oomsync", NULL }, *detect[] = { "oomsync", "detect", NULL };
    struct inventory before = inventory_take();

    starve("oomsync", try_sync, plain, 1);
    starve("oomsync detect", try_sync, detect, 1);
    inventory_same(&before, "programs with semaphores ran out of memory");
}
SELFTEST("oom-sync", test_oom_sync);

/* What a program prints in between is no error. The leak is what counts. */
SELFTEST("oom-programs", test_oom_programs);
