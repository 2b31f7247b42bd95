#include "os/options.h"

/* The Makefile knows. */
#ifndef EGRESS_VERSION
#define EGRESS_VERSION "0"
#endif

const char egress_version[] = EGRESS_VERSION;
