/*
 * Whoever starts a program may have closed its standard descriptors. The next file or connection
 * would get their numbers, and records or messages would be written into it.
 */
#ifndef OS_DESCRIPTORS_H
#define OS_DESCRIPTORS_H

/* Puts something in the place of those of 0, 1 and 2 that are closed: nothing can be read there or
 * written, and whoever tries is told so. Called by log_open(), which comes first in every program. */
void descriptors_open(void);

#endif
