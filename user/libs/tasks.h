/* A list of tasks, in the order in which they are to be done: exercise 0.2.

   It is made of the lists of libs/list.h, as the kernel's lists are: the link is a member of what
   is listed, and to_struct() leads from the link back to the task. A list is a head, which
   list_init() has made empty. Nothing is allocated: the tasks are the caller's, who may change one,
   or give its memory back, as soon as it is in no list. */
#pragma once

#include <list.h>

struct task {
    int number;                 /* its name */
    int priority;               /* the highest is done first */
    list_entry_t link;          /* in a list, between a task_insert() and its removal */
};

/* Put a task, which is in no list, behind all tasks of the list whose priority is as high or
   higher, and before all whose priority is lower. */
void task_insert(list_entry_t *list, struct task *task);
/* Take the first task out of the list, and return it; NULL if the list is empty. */
struct task *task_take(list_entry_t *list);
/* Take all tasks of this priority out of the list, call gone() with each that has been taken out,
   and return how many there were. After gone() the memory of the task may be anybody's: neither it
   nor its link may be touched. gone() does not touch the list. */
int task_drop(list_entry_t *list, int priority, void (*gone)(struct task *task));
