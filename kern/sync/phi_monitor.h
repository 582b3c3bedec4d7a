/* Five philosophers at a round table, with a fork between each two of them: exercise 7.3.

   A philosopher thinks, becomes hungry, takes both of his forks, eats, and puts them back. Two
   neighbours share a fork, so they never eat at the same time. Nothing in the kernel needs them:
   the self tests of kern/test/philosophers.c are the philosophers, and call these functions from
   threads of their own, any of which may sleep here. */
#pragma once

#include <sync/monitor.h>

#define N           5
#define LEFT        ((i - 1 + N) % N)       /* the neighbours of philosopher i */
#define RIGHT       ((i + 1) % N)

enum { THINKING, HUNGRY, EATING };

/* While a philosopher waits, his neighbours together begin at most so many meals. */
#define MOST_MEALS_BEFORE   4

/* Set the table anew: all think. While nobody else uses it. */
void phi_init(void);

/* Is the table as phi_init() has left it? All think, and nobody is in the monitor or waits for it.
   While nobody uses it. */
bool phi_at_rest(void);

/* Philosopher i is hungry: returns when he has both forks, and eats. */
void phi_take_forks_condvar(int i);
/* Philosopher i has eaten: he puts both forks back, and thinks. Who can eat now, eats. */
void phi_put_forks_condvar(int i);
