/* The ELF64 format, as far as loading and naming addresses needs it (System V gABI, chapter 4). */
#pragma once

#include <defs.h>

#define ELF_MAGIC       0x464C457FU     /* "\x7FELF" read as a little-endian word */
#define ELF_CLASS64     2
#define ELF_DATA2LSB    1
#define ET_EXEC         2
#define EM_RISCV        243

struct elfhdr {
    uint32_t e_magic;
    uint8_t e_class, e_data, e_version1, e_pad[9];
    uint16_t e_type, e_machine;
    uint32_t e_version;
    uint64_t e_entry, e_phoff, e_shoff;
    uint32_t e_flags;
    uint16_t e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};

#define ELF_PT_LOAD     1
#define ELF_PF_X        1
#define ELF_PF_W        2
#define ELF_PF_R        4

struct proghdr {
    uint32_t p_type, p_flags;
    uint64_t p_offset, p_va, p_pa, p_filesz, p_memsz, p_align;
};

#define ELF_SHT_SYMTAB  2

struct secthdr {
    uint32_t sh_name, sh_type;
    uint64_t sh_flags, sh_addr, sh_offset, sh_size;
    uint32_t sh_link, sh_info;
    uint64_t sh_addralign, sh_entsize;
};

#define ELF_STT_FUNC    2

struct elfsym {
    uint32_t st_name;
    uint8_t st_info, st_other;
    uint16_t st_shndx;
    uint64_t st_value, st_size;
};
