/* For the mm layer's own use: taking an area out of its mm. */
#pragma once

#include <mm/vmm.h>

static inline struct vma_struct *le2vma(list_entry_t *le)
{
    return to_struct(le, struct vma_struct, list_link);
}

/* The caller frees it. */
void remove_vma_struct(struct mm_struct *mm, struct vma_struct *vma);
