/* Exercise 8.4, several at a time: three write lines, and two read, as chance or four harts will
   have it. A line is its length, in two bytes, and then the letter of its writer, as often as it is
   long: so a line that is torn, lost, or comes twice is seen.

   The writers wait for room, and the readers for data, all the time: 144 lines of 2 KiB go through
   a buffer of 16. A wake-up that is forgotten leaves somebody asleep; if all sleep, the kernel says
   "deadlock", and who waits for what.

   Alone: make grade TEST="pipe-race*". */
#include <error.h>
#include <fs/file.h>
#include <report.h>
#include <string.h>
#include <test/testlib.h>

#define WRITERS     3
#define READERS     2
#define LINES       48                  /* of each writer */
#define ROUNDS      3                   /* of a full pipe, for two who read at the same time */
#define ROOM        16384
#define LONGEST     4096                /* such a line goes in whole */

static struct inode *pipe;
static uint32_t writing;                /* atomic: writers that have not ended */
static uint32_t bytes_in, bytes_out;    /* atomic */
static uint32_t failed;                 /* atomic: calls that had an error */
static uint32_t reading;                /* atomic: 1 while somebody reads */
static uint8_t last;                    /* the byte that was read last; guarded by `reading` */
static uint32_t left;                   /* how many more are of its line; the same */
static uint32_t torn;                   /* the same */

/* The length of a line, from its writer and its number. A line says it in its first two bytes. */
static size_t length_of(int writer, int line)
{
    return 3 + (line * 977 + writer * 331) % (LONGEST - 3);
}

/* The last of them closes the writer's end, as the last descriptor does: then the readers come to
   the end of the file. */
static void write_lines(int writer)
{
    static uint8_t lines[WRITERS][LONGEST];
    uint8_t *line = lines[writer];

    for (int i = 0; i < LINES; i++) {
        size_t n = length_of(writer, i);
        struct iobuf iob = iobuf_kernel(line, n, 0);

        memset(line, 'a' + writer, n);
        line[0] = n;
        line[1] = n >> 8;
        if (vop_data(pipe, vop_write, &iob) != 0 || iob.io_resid != 0)
            atomic_add(&failed, 1);
        atomic_add(&bytes_in, n);
    }
    if (atomic_add(&writing, -1) == 1)
        pipe->in_ops->vop_close(pipe, false, true);
}

/* What comes out, as `look_at` sees it, if all is well; and if a write of less than 4097 bytes went
   in by parts:

     05 00 a a a | 04 00 b b | 06 00 a a a a |         head, head, letters ... head, head, letters

     05 00 a | 04 00 b b | a a                         torn: the head of b's line is taken for
                                                       letters of a's, which it is not

   Reads end anywhere, also between the two bytes of a head; so the state is kept between them. */

/* Look at bytes in the order in which they came. */
static void look_at(const uint8_t *bytes, size_t n)
{
    static uint32_t head;               /* bytes of a line's head that were read */
    static uint32_t size;

    for (size_t i = 0; i < n; i++) {
        if (left == 0 && head < 2) {
            size |= bytes[i] << (8 * head++);
            left = head == 2 ? size - 2 : 0;
            last = 0;
            continue;
        }
        torn += last != 0 && bytes[i] != last;
        last = bytes[i];
        if (--left == 0)
            head = size = 0;
    }
}

/* Readers take turns, so that the order of what they read is known; but both wait for data. */
static void read_lines(int reader)
{
    static uint8_t buffers[READERS][1000];
    size_t got;

    do {
        struct iobuf iob = iobuf_kernel(buffers[reader], 1 + bytes_out % 1000, 0);
        size_t n = iob.io_resid;

        /* No lock of the kernel is used for that: who holds a spinlock must not sleep. */
        while (atomic_swap(&reading, 1) != 0)
            schedule();
        if (vop_data(pipe, vop_read, &iob) != 0)
            atomic_add(&failed, 1);
        got = n - iob.io_resid;
        look_at(buffers[reader], got);
        atomic_store_release(&reading, 0);
        atomic_add(&bytes_out, got);
    } while (got > 0);
}

static int one_of_them(void *number)
{
    int n = (uintptr_t)number;

    if (n < WRITERS)
        write_lines(n);
    else
        read_lines(n - WRITERS);
    return 0;
}

/* How often each byte came out, whichever reader had it; atomic. */
static uint32_t came[256];
static uint32_t there;                  /* atomic: readers that are ready */

/* Two who read at the same time, a few bytes each time: what the one has, the other has not. Nobody
   knows in which order the bytes came, so they are counted. */
static int read_together(__not_used void *number)
{
    size_t got;

    atomic_add(&there, 1);
    while (atomic_load(&there) < READERS)
        schedule();
    do {
        uint8_t bytes[3];
        struct iobuf iob = iobuf_kernel(bytes, sizeof(bytes), 0);

        if (vop_data(pipe, vop_read, &iob) != 0)
            atomic_add(&failed, 1);
        got = sizeof(bytes) - iob.io_resid;
        for (size_t i = 0; i < got; i++)
            atomic_add(&came[bytes[i]], 1);
    } while (got > 0);
    return 0;
}

/* The pipe is full, and its writer has gone: the readers come to the end without a sleep. */
static void test_together(void)
{
    static uint8_t full[ROOM];
    uint32_t wrong = 0;

    for (int i = 0; i < ROOM; i++)
        full[i] = i;
    for (int round = 0; round < ROUNDS; round++) {
        struct iobuf iob = iobuf_kernel(full, ROOM, 0);

        pipe = pipe_create();
        assert(pipe != NULL);
        there = 0;
        assert_eq(vop_data(pipe, vop_write, &iob), 0);
        pipe->in_ops->vop_close(pipe, false, true);
        test_threads(READERS, read_together);
        pipe->in_ops->vop_close(pipe, true, false);
        inode_put(pipe);
    }
    for (int i = 0; i < 256; i++)
        /* What both readers had came too often, what both passed over too seldom. */
        wrong += came[i] != ROUNDS * ROOM / 256;
    check_eq("each byte is for one of two readers (values that came too often, or not)", wrong, 0);
}

/* Threads of the kernel, without descriptors: so the ends are closed by hand. */
static void test_pipe_race(void)
{
    test_together();
    pipe = pipe_create();
    assert(pipe != NULL);
    writing = WRITERS;
    test_threads(WRITERS + READERS, one_of_them);
    check_eq("no write and no read has failed (how many)", failed, 0);
    check_eq("as many bytes come out as went in", bytes_out, bytes_in);
    check_eq("each line comes whole (bytes that are of another line)", torn, 0);
    check("the last one too", left == 0);
    pipe->in_ops->vop_close(pipe, true, false);
    inode_put(pipe);
}

SELFTEST("pipe-race", test_pipe_race);
