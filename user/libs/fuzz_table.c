/* The system calls, for fuzz: what kinds of values each gets, how often it is made, and which
   errors it may return: those that user/libs/ulib.h, file.h and sync.h promise.

   A new call needs a line here, or tools/test/test_fuzz.py fails. The weights are chosen so that
   calls that do much, as fork and exec, take about as much time as all others together. What ends
   a lane is rare in it, for it has to be begun again; in children of lanes it is not. */
#include <dirent.h>
#include <fuzz.h>
#include <stat.h>
#include <unistd.h>

/* A path that is walked, and one that is changed; a descriptor's disk. */
#define PATH        (E(NOENT) | E(NOTDIR) | E(TOO_BIG) | E(INVAL) | E(FAULT) | E(NO_MEM) | E(IO))
#define CHANGE      (PATH | E(ROFS) | E(NO_SPACE))
#define DISK        (E(IO) | E(ROFS) | E(NO_SPACE) | E(NO_MEM))
#define P           G_PROCESS
#define M           G_MEMORY
#define F           G_FILES
#define S           G_SYNC

const struct fuzz_call fuzz_calls[] = {
    { SYS_exit, P, 1, 20, R_ZERO, { K_NUMBER }, "exit", 0, 0 },
    { SYS_fork, P, 3, 3, R_PID, { 0 }, "fork", E(NO_MEM) | E(NO_FREE_PROC), 0 },
    { SYS_wait, P, 10, 5, R_ZERO, { K_PID, K_CODE }, "wait", E(BAD_PROC) | E(FAULT), 0 },
    { SYS_exec, P, 4, 40, R_ZERO, { K_PROGRAM, K_ARGC, K_ARGV }, "exec",
      PATH | E(INVAL_ELF) | E(ISDIR) | E(BUSY), 0 },
    { SYS_clone, P, 5, 3, R_PID, { K_CLONE_FLAGS, K_STACK }, "clone",
      E(INVAL) | E(NO_MEM) | E(NO_FREE_PROC), 0 },
    { SYS_yield, P, 15, 5, R_ZERO, { 0 }, "yield", 0, 0 },
    { SYS_sleep, P, 2, 2, R_ZERO, { K_TICKS }, "sleep", 0, 0 },
    { SYS_kill, P, 6, 5, R_ZERO, { K_PID }, "kill", E(INVAL) | E(KILLED), 0 },
    { SYS_gettime, P, 4, 1, R_ANY, { 0 }, "gettime", 0, 0 },
    { SYS_getpid, P, 8, 4, R_PID, { 0 }, "getpid", 0, 0 },
    { SYS_brk, M, 20, 5, R_ZERO, { K_HEAP_WORD }, "brk", E(INVAL) | E(NO_MEM) | E(FAULT), 0 },
    { SYS_mmap, M, 60, 10, R_ZERO, { K_MAP_WORD, K_MAP_LENGTH, K_MAP_FLAGS, K_FD, K_OFFSET },
      "mmap", E(INVAL) | E(NO_MEM) | E(FAULT) | E(ISDIR) | E(IO), 0 },
    { SYS_munmap, M, 40, 5, R_ZERO, { K_PLACE, K_MAP_LENGTH }, "munmap",
      E(INVAL) | E(NO_MEM), 0 },
    { SYS_msync, M, 6, 3, R_ZERO, { K_PLACE, K_MAP_LENGTH }, "msync",
      E(INVAL) | E(FAULT) | DISK, 0 },
    { SYS_pgdir, M, 1, 0, R_ZERO, { 0 }, "pgdir", 0, 0 },
    { SYS_putc, P, 1, 0, R_ZERO, { 0 }, "putc", 0, 0 },
    { SYS_progname, P, 6, 1, R_ANY, { K_INDEX, K_OUT, K_LENGTH }, "progname",
      E(NOENT) | E(TOO_BIG) | E(FAULT), 0 },
    { SYS_job, P, 4, 2, R_ZERO, { K_JOB }, "job", E(INVAL), 0 },
    { SYS_vfork, P, 2, 2, R_PID, { 0 }, "vfork", E(NO_MEM) | E(NO_FREE_PROC), 0 },
    { SYS_procinfo, P, 8, 2, R_ZERO, { K_PID, K_STRUCT }, "procinfo", E(NOENT) | E(FAULT),
      sizeof(struct procinfo) },
    { SYS_meminfo, P, 4, 1, R_ZERO, { K_STRUCT }, "meminfo", E(FAULT), sizeof(struct meminfo) },
    { SYS_trywait, P, 15, 5, R_ZERO, { K_PID, K_CODE }, "trywait",
      E(BAD_PROC) | E(FAULT) | E(BUSY), 0 },
    { SYS_lab6_set_priority, P, 5, 2, R_ZERO, { K_NUMBER }, "lab6_set_priority", 0, 0 },
    { FUZZ_STORE, M, 20, 20, R_ZERO, { K_STORE, K_NUMBER }, "a store", 0, 0 },
    { 0, P, 5, 1, R_ZERO, { K_CALL, K_NUMBER, K_NUMBER, K_NUMBER }, "a call that is none",
      E(UNIMP), 0 },

    { SYS_open, F, 80, 10, R_FD, { K_PATH, K_OPEN_FLAGS }, "open",
      CHANGE | E(EXISTS) | E(ISDIR) | E(BUSY) | E(MAX_OPEN), 0 },
    { SYS_close, F, 40, 10, R_ZERO, { K_FD }, "close", E(INVAL) | E(NO_MEM), 0 },
    { SYS_read, F, 80, 10, R_LENGTH, { K_FD, K_OUT, K_LENGTH }, "read",
      E(INVAL) | E(FAULT) | E(IO) | E(NO_MEM) | E(ISDIR), 0 },
    { SYS_write, F, 90, 10, R_LENGTH, { K_FD, K_IN, K_LENGTH }, "write",
      E(INVAL) | E(FAULT) | E(PIPE) | E(TOO_BIG) | E(ISDIR) | DISK, 0 },
    { SYS_seek, F, 25, 3, R_POSITION, { K_FD, K_OFFSET, K_WHENCE }, "seek",
      E(INVAL) | E(SEEK) | E(IO) | E(NO_MEM), 0 },
    { SYS_fstat, F, 20, 3, R_ZERO, { K_FD, K_STRUCT }, "fstat",
      E(INVAL) | E(FAULT) | E(IO) | E(NO_MEM), sizeof(struct stat) },
    { SYS_fsync, F, 4, 1, R_ZERO, { K_FD }, "fsync", E(INVAL) | DISK, 0 },
    { SYS_chdir, F, 7, 3, R_ZERO, { K_PATH }, "chdir", PATH, 0 },
    { SYS_getcwd, F, 10, 3, R_ZERO, { K_OUT, K_LENGTH }, "getcwd",
      E(NOENT) | E(TOO_BIG) | E(FAULT) | E(NO_MEM) | E(IO), 0 },
    { SYS_mkdir, F, 16, 3, R_ZERO, { K_PATH }, "mkdir", CHANGE | E(EXISTS), 0 },
    { SYS_link, F, 16, 3, R_ZERO, { K_PATH, K_PATH }, "link",
      CHANGE | E(EXISTS) | E(ISDIR) | E(XDEV) | E(BUSY), 0 },
    { SYS_rename, F, 24, 3, R_ZERO, { K_PATH, K_PATH }, "rename",
      CHANGE | E(EXISTS) | E(ISDIR) | E(NOTEMPTY) | E(XDEV) | E(BUSY), 0 },
    { SYS_readlink, F, 10, 3, R_LENGTH, { K_PATH, K_OUT, K_LENGTH }, "readlink", PATH, 0 },
    { SYS_symlink, F, 12, 3, R_ZERO, { K_PATH, K_PATH }, "symlink", CHANGE | E(EXISTS), 0 },
    { SYS_unlink, F, 26, 3, R_ZERO, { K_PATH }, "unlink", CHANGE | E(ISDIR) | E(BUSY), 0 },
    { SYS_getdirentry, F, 20, 3, R_ZERO, { K_FD, K_STRUCT }, "getdirentry",
      E(INVAL) | E(NOTDIR) | E(FAULT) | E(NOENT) | E(IO) | E(NO_MEM), sizeof(struct dirent) },
    { SYS_dup, F, 24, 3, R_FD, { K_FD, K_NEW_FD }, "dup", E(INVAL) | E(MAX_OPEN) | E(NO_MEM), 0 },
    { SYS_pipe, F, 12, 3, R_ZERO, { K_STRUCT }, "pipe", E(FAULT) | E(MAX_OPEN) | E(NO_MEM), 8 },
    { SYS_mkfifo, F, 2, 1, R_ZERO, { K_PATH, K_NUMBER }, "mkfifo", E(UNIMP), 0 },
    { SYS_rmdir, F, 14, 3, R_ZERO, { K_PATH }, "rmdir", CHANGE | E(NOTEMPTY) | E(BUSY), 0 },
    { SYS_truncate, F, 12, 3, R_ZERO, { K_PATH, K_OFFSET }, "truncate",
      CHANGE | E(ISDIR) | E(BUSY), 0 },
    { SYS_ftruncate, F, 16, 3, R_ZERO, { K_FD, K_OFFSET }, "ftruncate",
      E(INVAL) | E(TOO_BIG) | E(ISDIR) | DISK, 0 },
    { SYS_lstat, F, 14, 3, R_ZERO, { K_PATH, K_STRUCT }, "lstat", PATH, sizeof(struct stat) },
    { SYS_sync, F, 1, 0, R_ZERO, { 0 }, "sync", E(IO), 0 },
    { SYS_fsinfo, F, 4, 1, R_ZERO, { K_STRUCT }, "fsinfo", E(FAULT), sizeof(struct fsinfo) },

    { SYS_sem_init, S, 8, 3, R_ID, { K_NUMBER }, "sem_init", E(INVAL) | E(NO_MEM), 0 },
    { SYS_sem_post, S, 22, 5, R_ZERO, { K_SEM }, "sem_post", E(INVAL), 0 },
    { SYS_sem_wait, S, 18, 5, R_ZERO, { K_SEM, K_MILLISECONDS }, "sem_wait",
      E(INVAL) | E(TIMEOUT) | E(DEADLOCK) | E(NO_MEM), 0 },
    { SYS_sem_free, S, 5, 3, R_ZERO, { K_SEM }, "sem_free", E(INVAL), 0 },
    { SYS_sem_get_value, S, 10, 3, R_ZERO, { K_SEM, K_CODE }, "sem_get_value",
      E(INVAL) | E(FAULT), 0 },
    { SYS_mutex_create, S, 6, 3, R_ID, { K_STRUCT }, "mutex_create", E(FAULT) | E(NO_MEM), 8 },
    { SYS_mutex_lock, S, 14, 5, R_ZERO, { K_MUTEX }, "mutex_lock",
      E(INVAL) | E(KILLED) | E(DEADLOCK), 0 },
    { SYS_mutex_unlock, S, 18, 5, R_ZERO, { K_MUTEX }, "mutex_unlock", E(INVAL), 0 },
    { SYS_condvar_create, S, 5, 2, R_ID, { 0 }, "condvar_create", E(NO_MEM), 0 },
    { SYS_condvar_wait, S, 12, 5, R_ZERO, { K_CONDVAR, K_MUTEX, K_MILLISECONDS }, "condvar_wait",
      E(INVAL) | E(KILLED) | E(DEADLOCK) | E(TIMEOUT), 0 },
    { SYS_condvar_signal, S, 10, 5, R_ZERO, { K_CONDVAR }, "condvar_signal", E(INVAL), 0 },
    { SYS_condvar_broadcast, S, 8, 5, R_ZERO, { K_CONDVAR }, "condvar_broadcast", E(INVAL), 0 },
    { SYS_enable_deadlock_detect, S, 3, 3, R_ZERO, { K_JOB }, "enable_deadlock_detect",
      E(INVAL) | E(NO_MEM), 0 },
};

const int fuzz_call_count = ARRAY_SIZE(fuzz_calls);
