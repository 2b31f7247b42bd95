/* egress-verify --print-canonical: the bytes that a signature covers, for comparing. */
#ifndef EGRESS_VERIFY_PRINT_H
#define EGRESS_VERIFY_PRINT_H

#include "trust/forms.h"

/* Reads one card from stdin and prints its canonical form, without `signatures` and without
 * a newline after it. The exit status of the program. */
int print_canonical(enum trust_form form);

#endif
