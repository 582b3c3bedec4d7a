/* vault [WHAT]: goes through twelve doors, each with a key of its own, and pays at each: a program
   to be watched with gdb, for exercise 0.5.

   The keys are in no text: each is made of the one before. What gdb shows is compared with what the
   student has written down (user/libs/answers.c), and only "right" or "wrong" is told. With WHAT,
   "key" or "debt", only that answer is judged. */
#include <answers.h>
#include <report.h>
#include <stdio.h>
#include <string.h>

#define DOORS       12

/* volatile: so that each change is a store that a watchpoint sees. */
static volatile int balance = 3000;
static uint64_t keys[DOORS + 1];
static int debt;                        /* the first door behind which the balance is below zero */

/* A breakpoint belongs here: door 1 is the first one. */
static __attribute__((noinline)) void door(int number, uint64_t key)
{
    keys[number] = key;
    balance -= (int)(key % 701);
    if (balance < 0 && debt == 0)
        debt = number;
}

static uint64_t next_key(uint64_t key)
{
    key ^= key << 13;
    key ^= key >> 7;
    return key ^ key << 17;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    uint64_t key = 0x243f6a8885a308d3UL;

    for (int i = 1; i <= DOORS; i++) {
        key = next_key(key);
        door(i, key);
    }
    if (strcmp(what, "debt") != 0)
        check("the key of the seventh door is what gdb shows there", seventh_key() == keys[7]);
    if (strcmp(what, "key") != 0)
        check("the balance is below zero first at the door that gdb shows", first_debt() == debt);
    return check_done();
}
