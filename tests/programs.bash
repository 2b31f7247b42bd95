# The programs that there are, and what they say of themselves; load programs. $root is the tree.
# shellcheck shell=bash

programs() { sed -n '/^PROGRAMS := /,/[^\\]$/p' "$root/Makefile" | grep -o 'egress-[a-z]*'; }

# options PROGRAM: the long and short ones of its --help.
options() { "$1" --help | sed -n '/^Options:/,$p' | grep -oE -- '^ {2,6}(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '-[a-z-]+|-[A-Z]' | sort; }
