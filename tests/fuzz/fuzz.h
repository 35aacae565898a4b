/* fuzz: the entry that libFuzzer and replay.c call; each fuzz_*.c defines it. */
#ifndef CHATELAINE_FUZZ_H
#define CHATELAINE_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Runs one input. Returns 0; a defect aborts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
