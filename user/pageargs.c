/* pageargs: the arguments of a program are out of memory when it is run.

   They are words in an area that is larger than memory, each in two pages, and so is the array of
   their addresses; another process uses all memory meanwhile. So pages go while exec measures the
   words, and again until it copies them. "/bin/echo", from the disk, writes its arguments into a
   pipe, which has room for all of them, and there they are compared. */
#include <file.h>
#include <pressure.h>
#include <report.h>
#include <string.h>
#include <testing.h>
#include <ulib.h>

#define WORDS       30
#define WORD        400                 /* bytes, with the end */
#define APART       64                  /* pages from one word to the next */

static char *area;
static int fd[2];

static char *word(int number)
{
    return area + (number + 1) * APART * PGSIZE - WORD / 2;
}

/* What stands there in a word. */
static char letter(int number, int at)
{
    return 'a' + (number * 7 + at) % 26;
}

static void make_words(void)
{
    const char **argv;

    area = (char *)new_memory((WORDS + 1) * APART);
    argv = (const char **)area;
    *argv++ = "echo";
    for (int i = 0; i < WORDS; i++) {
        for (int at = 0; at < WORD - 1; at++)
            word(i)[at] = letter(i, at);
        *argv++ = word(i);
    }
}

static void run_echo(__not_used uintptr_t arg)
{
    dup2(fd[1], 1);
    exit(__exec("/bin/echo", (const char **)area));
}

/* Of what comes out of the pipe, how many bytes are not what the words have: all words, a blank
   between two, and an end of line. */
static int wrong_bytes(void)
{
    static char text[WORDS * WORD + 1];
    int length = 0, wrong = 0, n;

    while ((n = read(fd[0], text + length, sizeof(text) - length)) > 0)
        length += n;
    for (int i = 0; i < WORDS; i++)
        for (int at = 0; at < WORD - 1; at++)
            wrong += text[i * WORD + at] != letter(i, at);
    for (int i = 1; i <= WORDS; i++)
        wrong += text[i * WORD - 1] != (i < WORDS ? ' ' : '\n');
    return wrong + (length != WORDS * WORD);
}

/* Use all memory, until a kill. */
static void use_always(void)
{
    uint64_t *memory = new_memory(OTHER_PAGES);

    for (uint64_t i = 0; true; i++)
        use_memory(memory, i);
}

int main(void)
{
    int other;

    make_words();
    other = fork();
    if (other == 0)
        use_always();
    for (int round = 0; round < 4; round++) {
        sleep(20);                      /* the words go */
        assert(pipe(fd) == 0);
        check_eq("a program runs whose arguments are out of memory", child_code(run_echo, 0), 0);
        close(fd[1]);
        check_eq("it has them as they were", wrong_bytes(), 0);
        close(fd[0]);
    }
    kill(other);
    waitpid(other, NULL);
    return check_done();
}
