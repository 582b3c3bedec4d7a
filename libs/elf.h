/* The ELF64 format, as far as loading programs and naming addresses needs it (System V gABI,
   chapters 4 and 5). An ELF file begins with a header, which says where in the file two tables are:
   the program headers, one for each segment to be loaded, and the section headers, of which only
   the symbol table and its strings are used here.

   The names are those of the gABI, with ucore's elfhdr, proghdr and p_va. All numbers are
   little-endian, as the machine's. What a file says must be checked before it is believed. */
#pragma once

#include <defs.h>

#define ELF_MAGIC       0x464C457FU     /* "\x7FELF" read as a little-endian word */
#define ELF_CLASS64     2
#define ELF_DATA2LSB    1
#define ELF_VERSION     1       /* in both places */
#define ET_EXEC         2
#define EM_RISCV        243

/* At offset 0. e_phoff and e_shoff are the tables' places in the file, in bytes. */
struct elfhdr {
    uint32_t e_magic;
    uint8_t e_class, e_data, e_version1, e_pad[9];
    uint16_t e_type, e_machine;
    uint32_t e_version;
    uint64_t e_entry, e_phoff, e_shoff;
    uint32_t e_flags;
    uint16_t e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};

/* Kind and rights of a segment. */
#define ELF_PT_LOAD     1
#define ELF_PF_X        1
#define ELF_PF_W        2
#define ELF_PF_R        4

/* A segment: p_filesz bytes from p_offset of the file belong at the address p_va, and zeros behind
   them until there are p_memsz. */
struct proghdr {
    uint32_t p_type, p_flags;
    uint64_t p_offset, p_va, p_pa, p_filesz, p_memsz, p_align;
};

/* Kind of a section: the symbol table. */
#define ELF_SHT_SYMTAB  2

/* A section. Of the symbol table, sh_link is the number of the section that has its strings. */
struct secthdr {
    uint32_t sh_name, sh_type;
    uint64_t sh_flags, sh_addr, sh_offset, sh_size;
    uint32_t sh_link, sh_info;
    uint64_t sh_addralign, sh_entsize;
};

/* Kind of a symbol, in the low four bits of st_info: a function. */
#define ELF_STT_FUNC    2

/* A symbol: st_name is where its name begins among the strings, st_value its address. */
struct elfsym {
    uint32_t st_name;
    uint8_t st_info, st_other;
    uint16_t st_shndx;
    uint64_t st_value, st_size;
};
