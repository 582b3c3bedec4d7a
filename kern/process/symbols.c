/* Naming the addresses of programs, for reports. */
#include <elf.h>
#include <printfmt.h>
#include <process/program.h>

/* The symbol table, and the strings that it refers to; false where the file has none. */
static bool find_symbols(const struct user_program *program, const struct secthdr **symbols,
                         const struct secthdr **strings)
{
    const struct elfhdr *elf = (const struct elfhdr *)program->start;
    const struct secthdr *sh = (const struct secthdr *)(program->start + elf->e_shoff);

    if (elf->e_shentsize != sizeof(*sh) || elf->e_shoff % 8 != 0
        || !program_in_file(program, elf->e_shoff, (uint64_t)elf->e_shnum * sizeof(*sh)))
        return false;
    for (int i = 0; i < elf->e_shnum; i++) {
        if (sh[i].sh_type != ELF_SHT_SYMTAB || sh[i].sh_link >= elf->e_shnum)
            continue;
        *symbols = &sh[i];
        *strings = &sh[sh[i].sh_link];
        return program_in_file(program, (*symbols)->sh_offset, (*symbols)->sh_size)
            && program_in_file(program, (*strings)->sh_offset, (*strings)->sh_size);
    }
    return false;
}

void program_symbol(const struct user_program *program, uintptr_t addr, char *buf, size_t size)
{
    const struct secthdr *symbols, *strings;
    const struct elfsym *best = NULL;

    snprintf(buf, size, "%#lx", addr);
    if (program == NULL || !find_symbols(program, &symbols, &strings))
        return;
    const struct elfsym *sym = (const struct elfsym *)(program->start + symbols->sh_offset);
    for (size_t n = symbols->sh_size / sizeof(*sym); n > 0; n--, sym++)
        if ((sym->st_info & 15) == ELF_STT_FUNC && sym->st_value <= addr
            && (addr - sym->st_value < sym->st_size || sym->st_size == 0)
            && (best == NULL || sym->st_value >= best->st_value))
            best = sym;
    if (best != NULL && best->st_name < strings->sh_size)
        snprintf(buf, size, "%s+%#lx",
                 (const char *)program->start + strings->sh_offset + best->st_name,
                 addr - best->st_value);
}
