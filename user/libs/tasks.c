/* The list of tasks.h, a ring.

   A student writes it: exercise 0.2.

   A list is a ring: behind the last task comes the head again, and a walk ends there. The head is
   in no task, so to_struct() must not be used on it. Nothing takes a lock: a program with threads
   would have to hold one. */
#include <assert.h>
#include <defs.h>
#include <stdio.h>
#include <tasks.h>

void task_insert(list_entry_t *list, struct task *task)
{
    /* EXERCISE 0.2 begin: task_insert */
    list_entry_t *at = list_next(list);

    while (at != list && to_struct(at, struct task, link)->priority >= task->priority)
        at = list_next(at);
    list_add_before(at, &task->link);
    /* EXERCISE 0.2 end */
}

struct task *task_take(list_entry_t *list)
{
    /* EXERCISE 0.2 begin: task_take */
    list_entry_t *first = list_next(list);

    if (list_empty(list))
        return NULL;
    list_del(first);
    return to_struct(first, struct task, link);
    /* EXERCISE 0.2 end */
}

int task_drop(list_entry_t *list, int priority, void (*gone)(struct task *task))
{
    /* EXERCISE 0.2 begin: task_drop */
    list_entry_t *at = list_next(list);
    int count = 0;

    while (at != list) {
        list_entry_t *next = list_next(at);
        struct task *task = to_struct(at, struct task, link);

        if (task->priority == priority) {
            list_del(at);
            gone(task);
            count++;
        }
        at = next;
    }
    return count;
    /* EXERCISE 0.2 end */
}
