#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

void must(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "out of memory, or a library that cannot do it: %s\n", what);
	abort();
}
