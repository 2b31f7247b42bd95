/* The admin's bounds from a file: --bounds. */
#ifndef EGRESS_TRANSLATE_BOUNDS_FILE_H
#define EGRESS_TRANSLATE_BOUNDS_FILE_H

#include "bounds/bounds.h"

/* NULL, with every fault and its line reported, when the file cannot be read or anything in it is
 * wrong. The caller frees the bounds. */
struct bounds *bounds_file_read(const char *path);

/* Says what a file holds, for --check; false, reported, when that cannot be written. */
bool bounds_file_print(const char *path, const struct bounds *bounds);

#endif
