/* tasklist [WHAT]: tests the list of tasks that exercise 0.2 is about (user/libs/tasks.c).

   The same is done with the list and with an array, in which order and removal are obvious; after
   each step the two must be the same, and each link must fit its neighbours. With WHAT, "insert",
   "take" or "drop", only that function is tested. The tests of the other two put tasks in and take
   them out by themselves, so they do not depend on a function that is not written yet. */
#include <report.h>
#include <stdio.h>
#include <string.h>
#include <tasks.h>
#include <ulib.h>

#define MOST        12
#define ROUNDS      40

/* What the list must be: the tasks in their order. */
static struct task tasks[MOST], *model[MOST];
static int count;
static list_entry_t list;

/* The priorities of a round: of few kinds, so that many are the same; or in one round of four no
   two. */
static int priority_of(int round, int i)
{
    return round % 4 == 3 ? i * 5 % 13 - 2 : (i * 7 + round) % (round % 5 + 1) - 2;
}

/* Begin a round: no task is in the list, and each link leads nowhere. */
static void begin(int round, int wanted)
{
    list_init(&list);
    count = 0;
    for (int i = 0; i < wanted; i++) {
        tasks[i].number = i;
        tasks[i].priority = priority_of(round, i);
        tasks[i].link.prev = tasks[i].link.next = NULL;
    }
}

/* Put a task at its place in the array. */
static void model_insert(struct task *task)
{
    int at = count++;

    for (; at > 0 && model[at - 1]->priority < task->priority; at--)
        model[at] = model[at - 1];
    model[at] = task;
}

/* Take number `at` out of the array, and let its link lead nowhere: it may not be followed. */
static void model_remove(int at)
{
    struct task *task = model[at];

    memmove(&model[at], &model[at + 1], (--count - at) * sizeof(model[0]));
    task->link.prev = task->link.next = NULL;
}

/* Make the list from the array, without the functions that are tested. */
static void fill(int round, int wanted)
{
    begin(round, wanted);
    for (int i = 0; i < wanted; i++)
        model_insert(&tasks[i]);
    for (int i = 0; i < count; i++)
        list_add_before(&list, &model[i]->link);
}

/* Does the list have the tasks of the array, in this order, and is it a ring in both directions?
   It tells what is wrong before it returns false. */
static bool is_as_model(int round, const char *what)
{
    list_entry_t *at = &list;

    for (int i = 0; i <= count; i++) {
        list_entry_t *next = at->next, *wanted = i < count ? &model[i]->link : &list;

        if (next != wanted) {
            printf("%s, round %d: behind %s%d tasks comes %s, expected %s (task %d, priority %d)\n",
                   what, round, i ? "the first " : "the head, after ", i,
                   next == NULL ? "NULL" : next == &list ? "the head" : "another task",
                   wanted == &list ? "the head" : "a task",
                   wanted == &list ? -1 : model[i]->number,
                   wanted == &list ? 0 : model[i]->priority);
            return false;
        }
        if (next->prev != at) {
            printf("%s, round %d: the neighbour behind %d tasks does not lead back: its prev is "
                   "not the entry before it\n", what, round, i);
            return false;
        }
        at = next;
    }
    return true;
}

static void test_insert(void)
{
    bool right = true;

    for (int round = 0; right && round < ROUNDS; round++) {
        begin(round, 1 + round % MOST);
        for (int i = 0; right && i < 1 + round % MOST; i++) {
            model_insert(&tasks[i]);
            task_insert(&list, &tasks[i]);
            right = is_as_model(round, "task_insert");
        }
    }
    check("a task stands behind those as high, before those lower", right);
}

static void test_take(void)
{
    bool right = true, first = true, empty = true;

    for (int round = 0; right && first && empty && round < ROUNDS; round++) {
        fill(round, round % MOST);
        while (right && first && count > 0) {
            struct task *task = task_take(&list);

            first = task == model[0];
            model_remove(0);
            right = is_as_model(round, "task_take");
        }
        empty = !right || !first || task_take(&list) == NULL;
    }
    check("task_take() gives the first task", first);
    check("of an empty list it gives NULL", empty);
    check("the others stay, in their order", right);
}

static int gone;                        /* so many tasks task_drop() has given back */

/* What task_drop() calls: as if the memory of the task were given back, nothing of it is left. */
static void forget(struct task *task)
{
    gone++;
    task->number = -1;
    task->link.prev = task->link.next = NULL;
}

/* The model's task_drop(). */
static int model_drop(int priority)
{
    int dropped = 0;

    for (int i = count - 1; i >= 0; i--)
        if (model[i]->priority == priority) {
            model_remove(i);
            dropped++;
        }
    return dropped;
}

static void test_drop(void)
{
    bool right = true, counted = true, given_back = true;

    for (int round = 0; right && counted && given_back && round < ROUNDS; round++)
        for (int priority = -3; right && counted && given_back && priority < 11; priority++) {
            int got, expected;

            fill(round, round % (MOST + 1));
            gone = 0;
            got = task_drop(&list, priority, forget);
            expected = model_drop(priority);
            counted = got == expected;
            given_back = gone == expected;
            if (!counted)
                printf("task_drop, round %d: it returns %d, but %d tasks have priority %d\n",
                       round, got, expected, priority);
            right = is_as_model(round, "task_drop");
        }
    check("all tasks of one priority go, and no others", right);
    check("each of them is given back, once", given_back);
    check("task_drop() tells how many", counted);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "take") != 0 && strcmp(what, "drop") != 0)
        test_insert();
    if (strcmp(what, "insert") != 0 && strcmp(what, "drop") != 0)
        test_take();
    if (strcmp(what, "insert") != 0 && strcmp(what, "take") != 0)
        test_drop();
    return check_done();
}
