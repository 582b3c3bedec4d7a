/* matrix: many processes that compute at once.

   Each raises a matrix of its own to the 8th power in two ways, by 7 products and by 3 squares, and
   compares. If a switch of processes loses a register or a page, the results differ. */
#include <report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ulib.h>

#define SIZE            10
#define CHILDREN        21
#define ROUNDS          20

struct matrix {
    uint64_t at[SIZE][SIZE];
};

static void multiply(struct matrix *result, const struct matrix *a, const struct matrix *b)
{
    for (int i = 0; i < SIZE; i++) {
        for (int j = 0; j < SIZE; j++) {
            uint64_t sum = 0;

            for (int k = 0; k < SIZE; k++)
                sum += a->at[i][k] * b->at[k][j];
            result->at[i][j] = sum;
        }
    }
}

static void check_powers(const struct matrix *m)
{
    struct matrix product = *m, square = *m, next;

    for (int i = 0; i < 7; i++) {
        multiply(&next, &product, m);
        product = next;
        yield();
    }
    for (int i = 0; i < 3; i++) {
        multiply(&next, &square, &square);
        square = next;
    }
    assert(memcmp(&product, &square, sizeof(product)) == 0);
}

static void work(int seed)
{
    struct matrix m;

    srand(seed);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < SIZE; i++)
            for (int j = 0; j < SIZE; j++)
                m.at[i][j] = rand();
        check_powers(&m);
    }
    cprintf("pid %d done!.\n", getpid());
}

int main(void)
{
    int pids[CHILDREN], code;

    for (int i = 0; i < CHILDREN; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            work(i);
            exit(0);
        }
        assert(pids[i] > 0);
    }
    cprintf("fork ok.\n");
    for (int i = 0; i < CHILDREN; i++)
        assert(waitpid(pids[i], &code) == 0 && code == 0);
    cprintf("matrix pass.\n");
    return check_done();
}
