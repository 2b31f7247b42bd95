/* Exit statuses of every program: egress(7), EXIT STATUS. */
#ifndef OS_EXIT_H
#define OS_EXIT_H

enum {
	EXIT_OK = 0,
	EXIT_SOME = 1,   /* some record was rejected or failed */
	EXIT_USAGE = 2,  /* wrong usage */
	EXIT_CANNOT = 3, /* cannot go on: I/O, configuration */
};

#endif
