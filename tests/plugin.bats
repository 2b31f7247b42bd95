# pipelines/kubectl-egress, through the real kubectl.

bats_require_minimum_version 1.5.0

load programs

setup() {
	command -v kubectl >/dev/null || skip "no kubectl: install it in PATH"
	root=$BATS_TEST_DIRNAME/..
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir bin
	ln -s "$(realpath "$root/pipelines/kubectl-egress")" bin/kubectl-egress
	PATH=$PWD/bin:$PATH
	export HOME=$PWD KUBECONFIG=/dev/null
}

@test "kubectl finds the plugin, and overshadows nothing" {
	run -0 kubectl plugin list
	[[ $output == *bin/kubectl-egress* ]]
}

@test "kubectl egress lists every program with its purpose" {
	run -0 --separate-stderr kubectl egress
	for program in $(programs); do
		grep -qE "^  ${program#egress-} +[A-Z].*\.$" <<<"$output"
	done
	[ -z "$stderr" ]
}

@test "kubectl egress --help says how it is used" {
	run -0 --separate-stderr kubectl egress --help
	[[ $output == *'Usage: kubectl egress PROGRAM '*'Exit status: '*verify* ]]
}

@test "kubectl egress WORD is egress-WORD, with its options, its input and its status" {
	for program in $(programs); do
		run -0 kubectl egress "${program#egress-}" --help
		[ "$output" = "$("$program" --help)" ]
	done
	kubectl egress verify --trust-domain example.org <"$root/pipelines/examples/agents.ndjson" >one
	egress-verify --trust-domain example.org <"$root/pipelines/examples/agents.ndjson" | cmp one
	echo broken >broken
	run -1 kubectl egress verify --trust-domain example.org <broken
	run -2 kubectl egress verify --no-such-option
}

@test "an unknown word, a path and kubectl's own flags are status 2, and said" {
	for word in nonsense ../sh 'watch;id' Watch; do
		run -2 --separate-stderr kubectl egress "$word"
		[[ $stderr == 'kubectl-egress: '*'there is no such program'* ]]
		[ -z "$output" ]
	done
	run -2 "$root/pipelines/kubectl-egress" --context x watch
}

@test "the programs beside the plugin come before those in PATH" {
	mkdir elsewhere
	cp -L bin/kubectl-egress elsewhere/
	printf '#!/bin/sh\necho beside "$@"\n' >elsewhere/egress-watch
	chmod +x elsewhere/egress-watch
	PATH=$PWD/elsewhere:$PATH run -0 kubectl egress watch 'a b'
	[ "$output" = 'beside a b' ]
}
