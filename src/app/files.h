/* files: new files and directories, made durable; never over what is there. */
#ifndef CHATELAINE_APP_FILES_H
#define CHATELAINE_APP_FILES_H

#include <chatelaine/base_buf.h>

/* `path` and its parents (mode 0700); *ret_path is its absolute name, in the arena. */
enum status dir_make(const char *path, struct arena *a, const char **ret_path,
                     struct error *e) MUST_CHECK;
bool dir_lacks(const char *dir, const char *name);
enum status dir_sync(const char *dir, struct error *e) MUST_CHECK;
/* A new file (mode 0600), fsynced. CONFLICT "file-exists". */
enum status file_write_new(const char *path, struct span bytes, struct error *e) MUST_CHECK;
enum status file_copy_new(const char *from, const char *to, struct error *e) MUST_CHECK;

#endif
