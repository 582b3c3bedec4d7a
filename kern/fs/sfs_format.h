/* How sfs lies on a disk; docs/sfs.md draws and explains it. All numbers are little-endian. A block
   has 4096 bytes. Block numbers count from the start of the disk; 0, the superblock, stands for "no
   block", because no file has it. Inode number 0 stands for "none"; 1 is the root directory.

       0            superblock
       journal      commit record, list of home blocks, then the log of a transaction
       map          one bit for each block of the disk: 1 is free
       table        inodes, 32 in each block; inode n is at n % 32 of block n / 32
       data         blocks of files and directories
       swap         a range at the end; may be empty

   The ranges follow each other without a gap. In the map only what is free in the data is 1: not
   the bits of other ranges, nor those behind the disk's end. Of what tools/disk check and the
   kernel count (free blocks, free inodes) nothing is stored. */
#pragma once

#include <defs.h>

#define SFS_MAGIC           0x53465652U     /* "RVFS" in memory */
#define SFS_VERSION         1
#define SFS_ROOT            1
#define SFS_INFO_LENGTH     32
#define SFS_NAME_MAX        255             /* bytes in a name, without an end */
#define SFS_NDIRECT         12
#define SFS_NPER            (4096 / 4)      /* block numbers in an indirect block */
#define SFS_BLOCKS_MAX      (SFS_NDIRECT + SFS_NPER + (uint64_t)SFS_NPER * SFS_NPER)
#define SFS_SIZE_MAX        0xffffffffULL   /* of a file: below SFS_BLOCKS_MAX blocks */

struct sfs_super {
    uint32_t magic, version;
    uint32_t blocks;                        /* of the disk */
    uint32_t inodes;                        /* in the table, number 0 included, which is unused */
    uint32_t journal_start, journal_blocks; /* commit record and list of homes included */
    uint32_t map_start, map_blocks;
    uint32_t table_start, table_blocks;
    uint32_t swap_start, swap_blocks;
    uint32_t orphan;                        /* first inode that is open but has no name, or 0 */
    char info[SFS_INFO_LENGTH];             /* a name for people, ends with 0 */
};

/* ucore's numbers for the types. */
#define SFS_TYPE_FREE       0
#define SFS_TYPE_FILE       1
#define SFS_TYPE_DIR        2
#define SFS_TYPE_LINK       3               /* symbolic: its data is the path */

/* An inode, 128 bytes; all zeros if it is free. A block number of 0 in direct[] or in an indirect
   block is a hole: it reads as zeros. Behind the size there is nothing: no block, no indirect block
   that would begin there, and zeros in the rest of the last block. Directories and links have no
   holes. */
struct sfs_disk_inode {
    uint16_t type;                          /* SFS_TYPE_ */
    uint16_t nlinks;                        /* names; of a directory: its own, its "." and the ".."
                                               of each directory in it */
    uint32_t blocks;                        /* that it has: data, and indirect ones */
    uint64_t size;                          /* in bytes; of a directory a multiple of 4096 */
    union {
        struct {
            uint32_t direct[SFS_NDIRECT];
            uint32_t indirect;              /* SFS_NPER numbers */
            uint32_t db_indirect;           /* SFS_NPER numbers of such blocks */
        };
        uint32_t roots[SFS_NDIRECT + 2];    /* the same as one array, in that order */
    };
    uint32_t next_orphan;                   /* in the list that the superblock begins */
    uint32_t unused[13];                    /* 0 */
};

/* A directory is blocks full of entries, each a multiple of 4 bytes long; the last one of a block
   reaches to its end, and none is shorter than 8. An entry with ino 0 is free room. A new name goes
   where there is room behind a shorter one, or in free room. The first two entries are "." and
   "..". A directory that was removed, and is an orphan, has no others. */
struct sfs_dirent {
    uint32_t ino;
    uint16_t length;                        /* of the whole entry, in bytes */
    uint8_t name_length;
    uint8_t type;                           /* SFS_TYPE_ of the inode */
    char name[];                            /* without an end */
};

/* The journal. Block 0 of it is the commit record, of which only the first 512 bytes count, so that
   a write of it happens whole or not at all; block 1 is the list of homes; block 2 + i is the new
   content of the block home[i]. count is 0 while nothing is to be done again. */
#define SFS_JOURNAL_MAGIC   0x4c4e4a52U     /* "RJNL" in memory */
#define SFS_JOURNAL_HOMES   1024
#define SFS_JOURNAL_LOG     2               /* where the log begins, behind its start */

struct sfs_commit {
    uint32_t magic;
    uint32_t sequence;                      /* counts transactions; for people and tests */
    uint32_t count;                         /* of blocks in the log, SFS_JOURNAL_HOMES at most */
};
struct sfs_homes {
    uint32_t home[SFS_JOURNAL_HOMES];
};

_Static_assert(sizeof(struct sfs_disk_inode) == 128, "the format of the disk");
_Static_assert(sizeof(struct sfs_commit) <= 512, "the format of the disk");
