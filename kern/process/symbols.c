/* Naming the addresses of programs, for messages about a program that did something wrong.

   The names are in the symbol table of the program's own file, an array of struct elfsym, and in a
   table of strings that it refers to; both are sections. A program without them, or with damaged
   ones, has no names: that is no error. Nothing of the file is believed: all is read through
   reader_read(), which refuses what lies outside of the file. Each symbol is looked at for each
   address, which takes some thousand instructions; it happens once for a program that dies. */
#include <elf.h>
#include <printfmt.h>
#include <process/proc.h>

#define NAME_LENGTH     64              /* of a name that is shown whole */
#define SYMBOLS_AT_ONCE 32              /* on the stack: 768 bytes */

/* Find the symbol table, and the strings that it refers to. False if the file has none, or if one
   of the two does not lie in the file.

       header: e_shoff, e_shnum --> sections: | ... | SYMTAB, sh_link = n | ... | n: STRTAB | ... |
                                                         |                          |
       symbol: st_name, st_value, st_size, st_info <-----+       "_start\0main\0"  <-+ */
static bool find_symbols(const struct reader *file, struct secthdr *symbols,
                         struct secthdr *strings)
{
    const size_t size = sizeof(struct secthdr);
    struct elfhdr elf;

    if (reader_read(file, 0, &elf, sizeof(elf)) != 0 || elf.e_shentsize != size
        || !reader_has(file, elf.e_shoff, elf.e_shnum * size))
        return false;
    for (int i = 0; i < elf.e_shnum; i++) {
        if (reader_read(file, elf.e_shoff + i * size, symbols, size) != 0)
            return false;
        if (symbols->sh_type == ELF_SHT_SYMTAB && symbols->sh_link < elf.e_shnum)
            return reader_read(file, elf.e_shoff + symbols->sh_link * size, strings, size) == 0
                && reader_has(file, symbols->sh_offset, symbols->sh_size)
                && reader_has(file, strings->sh_offset, strings->sh_size);
    }
    return false;
}

/* Is this symbol a function that the address lies in, or may lie in: functions in assembly need not
   tell their size. */
static bool may_hold(const struct elfsym *sym, uintptr_t addr)
{
    return (sym->st_info & 15) == ELF_STT_FUNC && sym->st_value <= addr
        && (addr - sym->st_value < sym->st_size || sym->st_size == 0);
}

/* Find the function that an address lies in, or the nearest one before it among those that do not
   tell their size. Several symbols are read at once: a file may have thousands. */
static bool find_function(const struct reader *file, const struct secthdr *symbols, uintptr_t addr,
                          struct elfsym *best)
{
    struct elfsym syms[SYMBOLS_AT_ONCE];
    uint64_t count = symbols->sh_size / sizeof(*syms);
    bool found = false;

    for (uint64_t first = 0, some; first < count; first += some) {
        some = count - first < SYMBOLS_AT_ONCE ? count - first : SYMBOLS_AT_ONCE;
        if (reader_read(file, symbols->sh_offset + first * sizeof(*syms), syms,
                        some * sizeof(*syms)) != 0)
            break;
        for (const struct elfsym *sym = syms; sym < syms + some; sym++) {
            if (may_hold(sym, addr) && (!found || sym->st_value >= best->st_value)) {
                *best = *sym;
                found = true;
            }
        }
    }
    return found;
}

/* The address is written first, and stays if no name is found. A name is cut after NAME_LENGTH
   bytes, and where the table of strings ends. */
static void find_symbol(const struct reader *file, uintptr_t addr, char *buf, size_t size)
{
    struct secthdr symbols, strings;
    struct elfsym sym = { 0 };
    char name[NAME_LENGTH + 1] = "";

    if (!find_symbols(file, &symbols, &strings) || !find_function(file, &symbols, addr, &sym)
        || sym.st_name >= strings.sh_size)
        return;
    uint64_t length = strings.sh_size - sym.st_name;    /* with all names behind it */
    if (length > NAME_LENGTH)
        length = NAME_LENGTH;
    if (reader_read(file, strings.sh_offset + sym.st_name, name, length) == 0)
        snprintf(buf, size, "%s+%#lx", name, addr - sym.st_value);
}

void program_symbol(const struct user_program *program, uintptr_t addr, char *buf, size_t size)
{
    snprintf(buf, size, "%#lx", addr);
    if (program == NULL)
        return;
    struct reader file = program_reader(program);
    find_symbol(&file, addr, buf, size);
}

/* The memory keeps the file. */
void current_symbol(uintptr_t addr, char *buf, size_t size)
{
    struct inode *node = current->mm != NULL ? inode_of_mm(current->mm) : NULL;
    struct reader file;

    program_symbol(current->program, addr, buf, size);
    if (node != NULL && inode_reader(node, &file) == 0)
        find_symbol(&file, addr, buf, size);
}
