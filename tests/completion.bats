# pipelines/completion: every option of every program's --help is completed, in bash and in zsh.

bats_require_minimum_version 1.5.0

load programs

setup() {
	root=$BATS_TEST_DIRNAME/..
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir folder
	: >file
}

# complete_bash WORD...: what is offered for the last one.
complete_bash() {
	bash -u -c '
		source "$0"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
		function=$(complete -p "$1" | sed "s/.*-F \([^ ]*\) .*/\1/")
		"$function" "$1" "${*: -1}" "${*: -2:1}"
		printf "%s\n" "${COMPREPLY[@]}"' "$root/pipelines/completion/egress.bash" "$@" | sort
}

# complete_zsh PROGRAM: the specifications that it gives to _arguments.
complete_zsh() {
	command -v zsh >/dev/null || skip "no zsh: apt-get install zsh"
	# shellcheck disable=SC2016 # zsh's variables
	zsh -f -c 'words=($2); fpath=($1 $fpath)
		function _arguments { print -rl -- "$@" }
		autoload -Uz _egress && _egress' zsh "$root/pipelines/completion" "$1"
}

@test "bash: every program is completed" {
	for program in $(programs); do complete_bash "$program" --hel | grep -qx -- --help; done
}

@test "bash: every option of every program, and no other" {
	for program in $(programs); do
		options "$program" >wanted
		[ "$(wc -l <wanted)" -ge 8 ]
		complete_bash "$program" - | diff wanted -
	done
}

@test "bash: the options that begin as the word does" {
	[ "$(complete_bash egress-watch --na)" = $'--names\n--namespace' ]
	[ -z "$(complete_bash egress-watch --no-such)" ]
}

@test "bash: an option's value: its words, files, folders, or nothing" {
	[ "$(complete_bash egress-apply --dry-run '' | xargs)" = 'client none server' ]
	[ "$(complete_bash egress-apply --dry-run = s)" = server ]
	[ "$(complete_bash egress-apply --dry-run = | xargs)" = 'client none server' ]
	[ "$(complete_bash egress-translate --api-server-port '')" = endpoints ]
	[ "$(complete_bash egress-translate --kubernetes '' | xargs)" = '1.20 1.31' ]
	[ "$(complete_bash egress-apply --kubeconfig '' | xargs)" = 'file folder' ]
	[ "$(complete_bash egress-apply --dir '' | xargs)" = folder ]
	[ -z "$(complete_bash egress-apply --context '')" ]
	[ "$(complete_bash egress-sign f | xargs)" = 'file folder' ]
}

@test "zsh: every option of every program, and no other" {
	for program in $(programs); do
		options "$program" >wanted
		complete_zsh "$program" >specs
		grep -oE -- '^\*-[a-zA-Z-]+' specs | tr -d '*' | sort | diff wanted -
	done
	head -n 1 "$root/pipelines/completion/_egress" | tr ' ' '\n' | grep '^egress-' | sort >named
	for program in $(programs); do grep -qx "$program" named; done
}

@test "zsh: an option's value: its words, files, folders" {
	complete_zsh egress-translate >specs
	grep -qE -- '^\*--kubernetes=\[.*\]:value:\(1.20 1.31\)$' specs
	complete_zsh egress-apply >specs
	grep -qE -- '^\*--dry-run=\[.*\]:value:\(none client server\)$' specs
	grep -qE -- '^\*--kubeconfig=\[.*\]:FILE:_files$' specs
	grep -qE -- '^\*--dir=\[.*\]:DIR:_files -/$' specs
	grep -qE -- '^\*-v\[.*\]$' specs
	grep -qxF -- '*:card:_files' <(complete_zsh egress-sign)
}

@test "make install puts them where the shells look, and the plugin beside the programs" {
	make -s -C "$root" -o all BUILD="$BUILD" DESTDIR="$PWD/to" PREFIX=/usr install
	for program in $(programs); do
		cmp "$root/pipelines/completion/egress.bash" "to/usr/share/bash-completion/completions/$program"
		[ -x "to/usr/bin/$program" ]
		[ -f "to/usr/share/man/man1/$program.1" ]
	done
	[ -f to/usr/share/zsh/vendor-completions/_egress ]
	[ -f to/usr/share/man/man5/egress-records.5 ]
	[ -f to/usr/share/man/man7/egress.7 ]
	[ -x to/usr/share/egress/pipelines/gitops ]
	run -0 env -u BUILD PATH=/usr/bin:/bin to/usr/bin/kubectl-egress verify --version
}
