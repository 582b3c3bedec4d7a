/* ring: a deadlock on purpose, of processes that each have a mutex and wait for that of the next.

     ring           of three processes
     ring N         of so many, 1 to 30
     ring queue     no circle: a child waits for its parent's mutex, and the parent for the child

   Nothing ends it but a kill: in the shell a ctrl-C, after the machine has told what it is. */
#include <stdio.h>
#include <string.h>
#include <sync.h>
#include <testing.h>
#include <ulib.h>

#define MOST    30

static int mutexes[MOST];

/* Each has its own mutex when the next one is forked, so the first one can close the circle as soon
   as the others are asleep, or before. */
static void wait_in_ring(int count)
{
    int place = 0;

    for (int i = 0; i < count; i++)
        mutexes[i] = mutex_create();
    mutex_lock(mutexes[0]);
    for (int i = 1; i < count; i++) {
        if (fork() != 0)
            continue;
        place = i;
        mutex_lock(mutexes[i]);
        break;
    }
    sleep(5);
    mutex_lock(mutexes[(place + 1) % count]);
}

static void wait_in_queue(void)
{
    int mutex = mutex_create(), pid;

    mutex_lock(mutex);
    pid = fork();
    if (pid == 0)
        mutex_lock(mutex);
    else
        waitpid(pid, NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "queue") == 0) {
        wait_in_queue();
    } else {
        int count = number_argument(argc, argv, 1, 3);

        wait_in_ring(count < MOST ? count : MOST);
    }
    cprintf("somebody went on\n");
    return 1;
}
