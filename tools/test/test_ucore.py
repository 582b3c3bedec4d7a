"""Tests of tools/ucore.py, by programs of our own in the manner of ucore's: they use its API as its
courses do, and carry the names of their programs, because the tool knows by these how each must
end.

The table of the real ones is made by a teacher, who has them. Needs the built objects, their
compiler and QEMU. Run alone: python3 -m unittest tools/test/test_ucore.py
"""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import scratch
import ucore
from trees import OBJECTS, TOP

HEAD = "#include <stdio.h>\n#include <ulib.h>\n"
FILES = HEAD + "#include <unistd.h>\n#include <file.h>\n#include <stat.h>\n#include <string.h>\n"

# What each of them does: most of its main().
MAIN = {
    "badarg": """
    int pid = fork(), code;
    if (pid == 0) {
        for (int i = 0; i < 5; i++)
            yield();
        exit(0xbeaf);
    }
    assert(pid > 0);
    assert(waitpid(pid, (void *)0xC0000000) != 0);
    assert(waitpid(pid, &code) == 0 && code == 0xbeaf);
    return 0;""",
    "divzero": """
    static volatile int zero;
    cprintf("%d\\n", 1 / zero);
    panic("it goes on");""",
    "exit": """
    int magic = -0x10384, pid = fork(), code;
    if (pid == 0) {
        yield(), yield();
        exit(magic);
    }
    assert(waitpid(pid, &code) == 0 && code == magic);
    assert(waitpid(pid, &code) != 0 && wait() != 0);
    return 0;""",
    "faultread": """
    cprintf("%x\\n", *(volatile unsigned int *)0);
    panic("it goes on");""",
    "faultreadkernel": """
    cprintf("%x\\n", *(volatile unsigned int *)0xFAC00000);
    panic("it goes on");""",
    "forktest": """
    int n;
    for (n = 0; n < 32; n++) {
        int pid = fork();
        if (pid == 0)
            exit(0);
        assert(pid > 0);
    }
    for (; n > 0; n--)
        if (wait() != 0)
            panic("a child is missing");
    if (wait() == 0)
        panic("there is one too many");
    return 0;""",
    "hello": """
    cprintf("Hello, %d\\n", getpid());
    return 0;""",
    "pgdir": """
    print_pgdir();
    return 0;""",
    "spin": """
    int pid = fork(), result;
    if (pid == 0)
        for (;;)
            ;
    yield(), yield();
    assert((result = kill(pid)) == 0);
    assert((result = waitpid(pid, NULL)) == 0);
    return 0;""",
    "testbss": """
    static unsigned int many[1024 * 1024];
    for (int i = 0; i < 1024 * 1024; i++)
        many[i] = i;
    asm volatile ("" : : "r" (many) : "memory");
    *((volatile unsigned int *)many + 1024 * 1024 * 400) = 0;
    return 0;""",
    "yield": """
    for (int i = 0; i < 5; i++)
        yield();
    return 0;""",
}
OTHERS = {
    "matrix": """#include <ulib.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#define N 10
static int a[N][N], b[N][N], c[N][N];

int main(void)
{
    int pids[20];
    memset(pids, 0, sizeof(pids));
    for (int i = 0; i < 20; i++)
        if ((pids[i] = fork()) == 0) {
            srand(i * i);
            yield();
            for (int r = 0; r < N * N * N; r++)
                c[r % N][r / N % N] += a[r % N][r / N / N] * b[r / N / N][r / N % N] + rand() % 2;
            exit(0);
        }
    while (wait() == 0)
        ;
    cprintf("matrix pass.\\n");
    return 0;
}
""",
    "priority": """#include <ulib.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    int pids[3];
    lab6_setpriority(6);
    for (int i = 0; i < 3; i++)
        if ((pids[i] = fork()) == 0) {
            lab6_setpriority(i + 1);
            unsigned int begun = gettime_msec();
            while (gettime_msec() - begun < 100)
                ;
            exit(i);
        }
    for (int i = 0; i < 3; i++) {
        int code;
        if (waitpid(pids[i], &code) != 0 || code != i)
            panic("%d", i);
    }
    return 0;
}
""",
    "sleepkill": """#include <stdio.h>
#include <ulib.h>

int main(void)
{
    int pid = fork();
    if (pid == 0) {
        sleep(~0);
        exit(0xdead);
    }
    sleep(10);
    assert(kill(pid) == 0);
    return 0;
}
""",
    "sfs_filetest1": FILES + """
#define printf(...) fprintf(1, __VA_ARGS__)

int main(void)
{
    struct stat stat;
    char buf[4];
    int fd = open("sfs_filetest1", O_RDONLY);
    assert(fd >= 0 && fstat(fd, &stat) == 0 && (stat.st_mode & S_IFMT) == S_IFREG);
    print_stat("sfs_filetest1", fd, &stat);
    assert(read(fd, buf, 4) == 4 && memcmp(buf + 1, "ELF", 3) == 0);
    assert(close(fd) == 0);
    fd = open("new", O_RDWR | O_CREAT | O_TRUNC);
    assert(write(fd, "abc", 3) == 3 && seek(fd, 9000, LSEEK_SET) >= 0 && write(fd, "d", 1) == 1);
    assert(fstat(fd, &stat) == 0 && stat.st_size == 9001);
    printf("pass.\\n");
    return 0;
}
""",
    "ls": FILES + """#include <dir.h>
#include <dirent.h>

int main(int argc, char **argv)
{
    DIR *dir = opendir(argc > 1 ? argv[1] : ".");
    struct dirent *entry;
    char path[64];
    int n = 0;
    assert(dir != NULL && getcwd(path, sizeof(path)) == 0);
    while ((entry = readdir(dir)) != NULL)
        n += strcmp(entry->name, "ls") == 0;
    closedir(dir);
    cprintf("%s %d\\n", path, n);
    return n != 1;
}
""",
    "pipetest": FILES + """
int main(void)
{
    int fd[2], pid;
    char c;
    assert(pipe(fd) == 0);
    if ((pid = fork()) == 0) {
        close(fd[0]);
        dup2(fd[1], 1);
        close(fd[1]);
        fprintf(1, "x");
        exit(0);
    }
    close(fd[1]);
    assert(read(fd[0], &c, 1) == 1 && c == 'x' && read(fd[0], &c, 1) == 0);
    return waitpid(pid, NULL);
}
""",
    "semtest": HEAD + """#include <sync.h>

int main(void)
{
    int sem = sem_init(1);
    assert(sem > 0 && sem_wait(sem) == 0 && sem_post(sem) == 0 && sem_free(sem) == 0);
    return 0;
}
""",
    "sh": FILES + """
int main(void)
{
    char line[64];
    int n = 0;
    const char *argv[] = { line, NULL };
    for (;;) {
        char c;
        if (read(0, &c, 1) != 1)
            return 0;
        if (c != '\\n' && c != '\\r') {
            line[n++] = c;
            continue;
        }
        line[n] = 0;
        if (n > 0 && fork() == 0)
            exit(__exec(line, argv));
        if (n > 0)
            wait();
        n = 0;
    }
}
""",
    # These must not pass.
    "nolink": HEAD + "void nowhere(void);\nint main(void) { nowhere(); return 0; }\n",
    "nocompile": "#include <no_such_header.h>\nint main(void) { return 0; }\n",
    "code3": "int main(void) { return 3; }\n",
    "dies": "int main(void) { *(volatile int *)0 = 1; return 0; }\n",
    "silent": "int main(void) { return 0; }\n",
}
BAD = {"nolink": "nowhere", "nocompile": "no_such_header", "code3": "it ended with code 3",
       "dies": "it was killed: ", "silent": "expected"}


class Ucore(unittest.TestCase):
    """One run of the tool, on all of these programs."""

    @classmethod
    def setUpClass(cls):
        with scratch.folder("test-ucore") as folder:
            for name, text in MAIN.items():
                OTHERS[name] = "%s\nint main(void)\n{%s\n}\n" % (HEAD, text)
            for name, text in OTHERS.items():
                with open(os.path.join(folder, name + ".c"), "w") as file:
                    file.write(text)
            with open(os.path.join(folder, "silent.expect"), "w") as file:
                file.write("says something\n")
            result = cls.run_tool(folder)
            cls.status, cls.output = result
            cls.rows = {line.split(" | ")[0][2:]: line.rstrip("| ").split(" | ")
                        for line in cls.output.split("\n") if line.startswith("| ")}

    @staticmethod
    def run_tool(*words):
        """(exit status, all that it prints)."""
        result = subprocess.run(
            [sys.executable, os.path.join(TOP, "tools", "ucore.py"), "--objects", OBJECTS]
            + list(words), cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        return result.returncode, result.stdout.decode()

    def test_the_good_ones_pass(self):
        for name in sorted(set(OTHERS) - set(BAD)):
            with self.subTest(name):
                self.assertEqual(self.rows[name][2:4], ["yes", "yes"], self.rows[name])

    def test_the_bad_ones_do_not(self):
        self.assertEqual(self.status, 1)
        for name, why in BAD.items():
            with self.subTest(name):
                self.assertEqual(self.rows[name][3], "no")
                self.assertIn(why, self.rows[name][4])
        for name in ("nolink", "nocompile"):
            self.assertEqual(self.rows[name][2], "no")

    def test_wrong_words_are_told(self):
        for words, told in ((["/no/such"], "is no folder"), ([TOP], "there is no program in"),
                            ([os.path.join(TOP, "user"), "nothing"], "there is no nothing.c"),
                            ([], "name a folder")):
            with self.subTest(words):
                status, output = self.run_tool(*words)
                self.assertEqual(status, 2)
                self.assertIn(told, output)
                self.assertNotIn("Traceback", output)

    def test_the_page_has_the_table_of_those_that_are_known(self):
        with open(os.path.join(TOP, "docs", "ucore.md"), encoding="utf-8") as file:
            self.assertIn(ucore.known(), file.read())


if __name__ == "__main__":
    unittest.main()
