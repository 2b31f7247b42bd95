# A small tree with the real Makefile: each folder of the library has one file and one contract, and each
# program does nothing. For bats files beside this one.
# shellcheck shell=bash

# here ARGUMENT...: make, in the working directory, without the flags of a make that runs the tests
here() {
	env -u MAKEFLAGS -u BUILD -u CC -u CFLAGS -u CPPFLAGS -u LDFLAGS -u WERROR -u SANITIZE \
		make --no-print-directory "$@"
}

small_tree() { # DIR
	local name
	mkdir -p "$1"/{pipelines,tests/{unit,tools,fuzz}} && cp "$BATS_TEST_DIRNAME/../Makefile" "$1" || return 1
	for name in $(sed -n 's/^ROOMS := //p' "$1/Makefile"); do
		mkdir -p "$1/lib/$name"
		echo "int ${name}_count(void);" >"$1/lib/$name/$name.h"
		source_file "$1/lib/$name/$name.c" "#include \"$name/$name.h\"" "int ${name}_count(void) { return 0; }"
	done
	for name in $(sed -n 's/^PROGRAMS := //p' "$1/Makefile"); do
		mkdir -p "$1/cmd/$name"
		source_file "$1/cmd/$name/main.c" 'int main(void) { return 0; }'
	done
}

# source_file FILE LINE...: a file with these lines
source_file() {
	local file=$1
	shift
	printf '%s\n' "$@" >"$file"
}
