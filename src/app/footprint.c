#include "app/footprint.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* A segment that is never written holds nothing but its file: its pages can be dropped. One that
 * was written while it was relocated, and is protected since, says PF_W and is left alone. */
static int drop_clean(struct dl_phdr_info *object, size_t size, void *unused)
{
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

        (void)size;
        (void)unused;
        for (size_t i = 0; i < object->dlpi_phnum; i++) {
                const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
                if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
                        continue;
                uintptr_t begin = object->dlpi_addr + segment->p_vaddr;
                uintptr_t end = (begin + segment->p_memsz + page - 1) & ~(page - 1);
                begin &= ~(page - 1);
                (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
        }
        return 0;
}

void footprint_trim(void)
{
        malloc_trim(0);
        dl_iterate_phdr(drop_clean, NULL);
}
