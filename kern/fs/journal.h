/* The journal: so that each change of the disk happens whole or not at all, whenever the power
   fails. A transaction is a set of changed blocks. They stay in memory until the commit, which
   writes them twice, in an order that flushes make:

       log data and list of homes | FLUSH | commit record | FLUSH | home | FLUSH | clear | FLUSH

   Before the commit record is there, nothing has happened; afterwards, recovery can finish it. The
   last flush is needed because the next transaction writes over the log, while a record that was
   not cleared on the disk would still speak of it.

   Several tasks are in one transaction at a time (group commit): each says by journal_begin() how
   many blocks it will change at most, and gets in if there is room in the log; else it waits for
   the commit. A commit waits until all who are in have left. It happens when fsync or sync ask for
   it, when the log is full, when the disk is unmounted, and a second after the first change
   (journal_flusher()). */
#pragma once

#include <fs/cache.h>

/* Order: a transaction is begun before any mutex of the file system is taken (MUTEX_TREE and
   behind), which is asserted; a task is in one at most. What is in a transaction may not sleep for
   anything but the disk and those mutexes: no user copy, no pipe, no wait for a child.

   After an error of a write or a flush the disk is not believed any more: what was changed in
   memory is never written, each begin and each commit fails with -E_IO, until it is mounted
   again. */

/* Begin to use this range of the disk as a journal, after recovery. With fewer than three blocks
   there is no journal: changes go home when a task ends its transaction, and a crash may leave a
   part of them. 0, -E_NO_MEM or -E_IO. Sleeps. */
int journal_open(struct block_device *device, uint32_t start, uint32_t blocks) __must_check;
/* Commit what is there, and end. 0 or -E_IO; memory is given back in any case. Nobody is in a
   transaction. Sleeps. */
int journal_close(void);
/* Finish the transaction that a crash has left behind, if its record is complete. 0 with *replayed
   the number of blocks; -E_IO; -E_NO_MEM; -E_ROFS if there is something to finish on a disk that
   cannot be written; -E_INVAL if the record is none that this code has written. In the last three
   cases nothing was changed. Before journal_open(), and before anything else is read from the disk.
   Sleeps. */
int journal_recover(struct block_device *device, uint32_t start, uint32_t blocks,
                    uint32_t *replayed) __must_check;

/* Get into the transaction, for at most n blocks, n <= journal_limit(). No mutex of MUTEX_TREE or
   behind is held. Sleeps. 0; -E_IO after an error of the disk; -E_ROFS if the disk cannot be
   written, or there is no journal. */
int journal_begin(uint32_t n) __must_check;
/* This block was changed, or will be before journal_end(), by the current task, which is in the
   transaction and has a reference. The journal takes one of its own. Any number of times. */
void journal_write(struct cached_block *entry);
/* Leave it; those mutexes were given back. Does not wait for the disk, if there is a journal. */
void journal_end(void);

/* All that was changed by who has left the transaction before this call is on the disk when it
   returns 0. Else -E_IO. Sleeps; the caller is in no transaction. */
int journal_commit(void) __must_check;
/* The most blocks that one begin may ask for. */
uint32_t journal_limit(void);
/* Is there a journal of a disk that can be written? Then somebody has to run the flusher. */
bool journal_writable(void);
/* What is mapped may change from now on, without a transaction: the flusher writes it back in a
   second. Does not sleep. */
void journal_touch(void);
/* What a kernel thread does: write back what is mapped (fs/mmap.h), and commit what is older than a
   second, or at once what memory that is short waits for. Sleeps without a limit while nothing is
   changed. Returns 0 when the journal is closed; arg is not used. */
int journal_flusher(void *arg);
