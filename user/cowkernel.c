/* cowkernel: the kernel writes into pages that are shared copy-on-write.

   What a system call stores in the memory of one process must not appear in that of the other.
   First the child makes the calls, and the parent looks at its own memory afterwards; then the
   other way round. A store into read-only memory must fail. */
#include <error.h>
#include <report.h>
#include <testing.h>
#include <thread.h>
#include <ulib.h>

#define OLD     0x1234
#define CODE    77

/* Each place that the kernel writes to has a page of its own. */
static volatile struct {
    int code;
    uintptr_t heap_end, area;
    char name[16];
} pages[4] __attribute__((aligned(PGSIZE)));

static struct {
    char before[PGSIZE - 2], name[16];
} across __attribute__((aligned(PGSIZE)));

static const int constant = OLD;

/* In the process that did not make the calls nothing has changed. */
static bool check_old(void)
{
    bool same = check_eq("wait stores into the caller's page only", pages[0].code, OLD);

    same &= check_eq("brk stores into the caller's page only", pages[1].heap_end, 0);
    same &= check_eq("mmap stores into the caller's page only", pages[2].area, 0);
    same &= check_eq("progname stores into the caller's page only", pages[3].name[0], '?');
    same &= check("a text across two pages is stored into the caller's only",
                  across.name[0] == '?' && across.name[2] == '?');
    return same;
}

static void let_kernel_write(void)
{
    int pid = fork();

    if (pid == 0)
        exit(CODE);
    assert(pid > 0);
    assert(waitpid(pid, (int *)&pages[0].code) == 0 && pages[0].code == CODE);
    assert(brk((uintptr_t *)&pages[1].heap_end) == 0 && pages[1].heap_end != 0);
    assert(mmap((uintptr_t *)&pages[2].area, PGSIZE, MMAP_WRITE) == 0 && pages[2].area != 0);
    assert(progname(0, (char *)pages[3].name, sizeof(pages[3].name)) >= 0
           && pages[3].name[0] != '?');
    assert(progname(0, across.name, sizeof(across.name)) >= 0 && across.name[0] != '?'
           && across.name[2] != '?');
}

/* A store into read-only memory fails, and the child is still there to wait for. */
static void check_readonly(void)
{
    int code, pid = fork();

    if (pid == 0)
        exit(CODE);
    assert(pid > 0);
    check_eq("wait does not store into a constant", waitpid(pid, (int *)&constant), -E_FAULT);
    check_eq("wait does not store into text", waitpid(pid, (int *)check_readonly), -E_FAULT);
    assert(*(const volatile int *)&constant == OLD);
    assert(waitpid(pid, &code) == 0 && code == CODE);
}

/* The child that shares the pages looks late, when its parent has surely made the calls. */
static void parent_writes(void)
{
    int code = -1, pid = fork();

    assert(pid >= 0);
    if (pid == 0) {
        yield_often(500);
        exit(check_old() ? 0 : 1);
    }
    let_kernel_write();
    assert(waitpid(pid, &code) == 0 && code == 0);
}

int main(void)
{
    check("a fork does not copy the pages of its parent", fork_shares_pages());
    pages[0].code = OLD;
    pages[3].name[0] = across.name[0] = across.name[2] = '?';

    int code = -1, pid = fork();

    assert(pid >= 0);
    if (pid == 0) {
        let_kernel_write();
        exit(0);
    }
    assert(waitpid(pid, &code) == 0 && code == 0);
    check_old();
    check_readonly();
    parent_writes();
    return check_done();
}
