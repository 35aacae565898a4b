/*
 * replay: runs every file of a corpus directory through a fuzzer's entry, without libFuzzer, so
 * that each input that once mattered is tested again in every build.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int replay_file(const char *directory, const char *name)
{
        char path[4096];
        if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
                return -1;

        struct stat st;
        FILE *file = fopen(path, "rb");
        if (!file || fstat(fileno(file), &st) < 0)
                goto fail;

        /* Exactly as large as the input, so that AddressSanitizer sees a byte read too far. */
        uint8_t *data = malloc(st.st_size ? (size_t)st.st_size : 1);
        if (!data || fread(data, 1, (size_t)st.st_size, file) != (size_t)st.st_size) {
                free(data);
                goto fail;
        }
        fclose(file);
        LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
        free(data);
        return 0;

fail:
        perror(path);
        if (file)
                fclose(file);
        return -1;
}

int main(int argc, char **argv)
{
        if (argc != 2) {
                fprintf(stderr, "usage: %s CORPUS_DIRECTORY\n", argv[0]);
                return 2;
        }
        struct dirent **entries;
        int n = scandir(argv[1], &entries, NULL, alphasort);
        if (n < 0) {
                perror(argv[1]);
                return 1;
        }

        int run = 0, failed = 0;
        for (int i = 0; i < n; i++) {
                if (entries[i]->d_name[0] != '.') {
                        failed += replay_file(argv[1], entries[i]->d_name) < 0;
                        run++;
                }
                free(entries[i]);
        }
        free(entries);
        printf("%d inputs, %d unreadable\n", run, failed);
        return run == 0 || failed > 0;
}
