#!/usr/bin/env bats
# The units in systemd/, without a systemd that runs; tests/systemd/boot.bats has one.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	UNITS=$BATS_TEST_DIRNAME/../systemd
	command -v systemd-analyze >/dev/null ||
		skip 'there is no systemd-analyze: apt-get install systemd'
}

@test "each service has an exposure of 1.5 or less" {
	local unit count=0
	for unit in "$UNITS"/*.service; do
		run systemd-analyze security --offline=true --no-pager --threshold=15 "$unit"
		[ "$status" -eq 0 ] || { echo "$unit: ${lines[-1]}" && return 1; }
		[[ ${lines[-1]} == *'Overall exposure level'* ]]
		count=$((count + 1))
	done
	[ "$count" -eq 10 ]
}

@test "the check of exposures would find a service that is not confined" {
	printf '[Service]\nExecStart=/bin/true\n' >open@.service
	run ! systemd-analyze security --offline=true --no-pager --threshold=15 ./open@.service
}

# The programs are those of the build: they need not be installed.
@test "systemd finds nothing wrong with the units" {
	local file
	for file in "$UNITS"/*@.*; do
		sed "s|^ExecStart=egress-|ExecStart=$BUILD/bin/egress-|
			s|^ExecStart=/usr/share/egress/|ExecStart=${UNITS%/*}/|
			s|^ExecStartPre=/usr/share/egress/|ExecStartPre=$UNITS/|" "$file" >"${file##*/}"
	done
	run -0 systemd-analyze verify --man=no ./*@.*
	[ -z "$output" ]
	echo 'Nonsense=yes' >>egress-verify@.service
	run systemd-analyze verify --man=no ./egress-verify@.service
	[ -n "$output" ]
}

@test "the filters have no network, and no credentials" {
	local unit
	for unit in verify translate replay; do
		grep -qx PrivateNetwork=yes "$UNITS/egress-$unit@.service"
		run -1 grep LoadCredential "$UNITS/egress-$unit@.service"
	done
}

@test "the stage that asks name servers reads the verified events, and has no credentials" {
	grep -qx 'StandardInput=file:/run/egress/%i/verified' "$UNITS/egress-resolve@.service"
	grep -qx 'StandardOutput=file:/run/egress/%i/resolved' "$UNITS/egress-resolve@.service"
	grep -q ' /run/egress/%i/resolved ' "$UNITS/egress-pipes@.service"
	grep -q '^PartOf=.* egress-resolve@%i.service ' "$UNITS/egress-pipes@.service"
	run -1 grep LoadCredential "$UNITS/egress-resolve@.service"
}

@test "every option that the configuration speaks of is one of the program's" {
	local program option count=0
	for program in watch fetch verify resolve translate apply; do
		while read -r option; do
			"egress-$program" --help | grep -qE -- "(^|[ ,])$option\b" ||
				{ echo "egress-$program has no $option" && return 1; }
			count=$((count + 1))
		done < <(sed -n "/^# egress-$program(1)/,/_FLAGS=/p" "$UNITS/cluster.env" |
			sed -nE 's/^#   (--?[a-z-]+).*/\1/p')
	done
	[ "$count" -ge 25 ]
}

# Options that make no sense in a unit: --dir, --once and the like, and questions.
@test "every option that makes sense in a unit is in the configuration" {
	local program option
	local none=' --help --version --verbose --rejects --kubeconfig --dir --once --no-wait --print-crd --kubernetes --full --all-namespaces --at --print-canonical --answers --record-answers --target --retry --without-anchor --check '
	for program in watch fetch verify resolve translate apply; do
		while read -r option; do
			[[ $none != *" $option "* ]] || continue
			grep -qE -- "^#   ${option}\b" "$UNITS/cluster.env" ||
				[ "$option" = --namespace ] || [ "$option" = --names ] ||
				{ echo "egress-$program $option is not there" && return 1; }
		done < <("egress-$program" --help | grep -oE -- '^ {2,6}(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+')
	done
}

@test "every option of the recorder is in the configuration, and no other" {
	diff <("$UNITS/../pipelines/keep" --help | sed -nE 's/^ +(--[a-z]+) .*/  \1/p' | grep -vE -- '--(dir|every)$') \
		<(sed -n '/(pipelines\/keep)/,/_FLAGS=/p' "$UNITS/cluster.env" | sed -nE 's/^#(   --[a-z]+).*/\1/p' |
			sed 's/^ */  /')
}

# checked CONTENT: check-cluster of a file with this content
checked() {
	printf '%s\n' "$1" >prod.env
	run --separate-stderr "$UNITS/check-cluster" prod .
}

@test "a configuration that could verify nobody is refused, with its file, line and what to change" {
	checked "$(cat "$UNITS/cluster.env")"
	[ "$status" -eq 1 ]
	[[ $stderr == "<3>./prod.env:$(grep -n '^EGRESS_VERIFY_FLAGS=' prod.env | cut -d : -f 1): EGRESS_VERIFY_FLAGS names no trust domain"*'systemctl restart egress@prod.target' ]]
	checked 'EGRESS_VERIFY_FLAGS="--trust-domain "'
	[ "$status" -eq 1 ]
	checked '#EGRESS_VERIFY_FLAGS="--trust-domain a"'
	[ "$status" -eq 1 ]
	[[ $stderr == '<3>./prod.env: EGRESS_VERIFY_FLAGS is missing'* ]]
	checked $'EGRESS_VERIFY_FLAGS="--trust-domain a"\nEGRESS_VERIFY_FLAGS=""'
	[ "$status" -eq 1 ]
	[[ $stderr == '<3>./prod.env:2: '* ]]
	run -1 --separate-stderr "$UNITS/check-cluster" none .
	[[ $stderr == '<3>./none.env is not there'* ]]
}

@test "a configuration that names whose signatures count is accepted" {
	local line
	for line in 'EGRESS_VERIFY_FLAGS="--bind workload --trust-domain prod.example.com"' 'EGRESS_VERIFY_FLAGS=--trust-domain=a' \
		"EGRESS_VERIFY_FLAGS='--accept-status'" $'EGRESS_VERIFY_FLAGS="--bind workload \\\n --trust-domain a"'; do
		checked "$line"
		{ [ "$status" -eq 0 ] && [ -z "$stderr" ]; } || { echo "$line: $stderr" && return 1; }
	done
	grep -qx 'ExecStartPre=/usr/share/egress/check-cluster %i' "$UNITS/egress-pipes@.service"
	grep -qx 'Requires=egress-pipes@%i.service' "$UNITS/egress@.target"
}

@test "messages name the kubeconfig in /etc, not the copy that systemd made" {
	local unit count=0
	for unit in "$UNITS"/*.service; do
		grep -q '^LoadCredential=kubeconfig:' "$unit" || continue
		grep -qx "Environment=EGRESS_KUBECONFIG_NAME=$(sed -n 's/^LoadCredential=kubeconfig://p' "$unit")" "$unit"
		count=$((count + 1))
	done
	[ "$count" -eq 4 ]
}

@test "what is shipped names no trust domain that an admin could leave unedited" {
	run -1 grep -nE '^[^#]*example\.(org|com)' "$UNITS/cluster.env" "$UNITS/../pipelines/kubernetes/deployment.yaml"
	grep -qx '  verify-flags: ""' "$UNITS/../pipelines/kubernetes/deployment.yaml"
}
