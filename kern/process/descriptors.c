/* Which table of descriptors a process has, and which its threads have with it.

   A process that has opened nothing has no table: files is NULL (fs/file.h). So threads that share
   descriptors have no table to share at first, and must have the same one as soon as one of them
   opens something. They have the mm in common, so that is where the one who makes the table puts
   it; the others find it there when they next need theirs:

       thread A            mm                       thread B
       files NULL          files NULL               files NULL     both have the constant table
       opens               files --> table                         proc_own_files()
       files --> table                                             proc_find_files()
                                                    reads
                                                    files --> table

   Each arrow is a reference. That of the mm stays as long as the mm, also if a thread goes on with
   another program: then it has the table by its own.

   `files_with_mm` tells that a process does so. Only those do who were made with CLONE_VM and
   CLONE_FS, and who made them: another process may be in the same memory with its own table. */
#include <fs/file.h>
#include <process/proc.h>
#include <unistd.h>

/* The rare part of proc_files(). The acquire is for what is in the table. Must not fail: the table
   is there, and one more who has it is only counted. */
struct files_struct *proc_find_files(void)
{
    /* pairs with proc_own_files() */
    struct mm_attachment *there = atomic_load_acquire(&current->mm->files);

    if (there != NULL) {
        int error = files_copy(to_struct(there, struct files_struct, attachment), true,
                               &current->files);
        assert_eq(error, 0);
    }
    return current->files;
}

/* Of two threads that make a table at a time one is faster; the other gives its own back. */
int proc_own_files(void)
{
    struct files_struct *made = NULL;

    if (proc_files() != NULL)
        return 0;
    if (!current->files_with_mm)
        return files_own(&current->files);
    int error = files_own(&made);
    if (error != 0)
        return error;
    /* The place is filled once, and never again: so who has seen a table there may keep it. */
    /* pairs with proc_find_files() */
    if (!atomic_cas(&current->mm->files, NULL, &made->attachment))
        files_put(made);
    proc_find_files();
    return 0;
}

/* May the current process and its child wait with a table to share until one of them needs it? Yes
   if all who are in the mm, the two by now, do so; else the mm's table may be another one's. */
static bool may_wait(const struct mm_struct *mm)
{
    return current->files_with_mm || (atomic_load(&mm->mm_count) == 2 && mm->files == NULL);
}

int proc_copy_files(uint32_t clone_flags, struct proc_struct *child)
{
    const uint32_t thread = CLONE_VM | CLONE_FS;
    bool share = clone_flags & CLONE_FS;
    int error = 0;

    /* Most threads open nothing: so no table is made for them, and none is copied. */
    if (proc_files() == NULL && (clone_flags & thread) == thread && may_wait(current->mm)) {
        current->files_with_mm = child->files_with_mm = true;
        return 0;
    }
    if (share)
        error = proc_own_files();       /* the constant table cannot be shared */
    if (error == 0 && current->files != NULL)
        error = files_copy(current->files, share, &child->files);
    return error;
}
