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
			s|^ExecStart=/usr/share/egress/|ExecStart=${UNITS%/*}/|" "$file" >"${file##*/}"
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
	local none=' --help --version --verbose --rejects --kubeconfig --dir --once --no-wait --print-crd --kubernetes --full --all-namespaces --at --print-canonical --answers --record-answers --target --retry --without-anchor '
	for program in watch fetch verify resolve translate apply; do
		while read -r option; do
			[[ $none != *" $option "* ]] || continue
			grep -qE -- "^#   ${option}\b" "$UNITS/cluster.env" ||
				[ "$option" = --namespace ] || [ "$option" = --names ] ||
				{ echo "egress-$program $option is not there" && return 1; }
		done < <("egress-$program" --help | grep -oE -- '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+')
	done
}

@test "every option of the recorder is in the configuration, and no other" {
	diff <("$UNITS/../pipelines/keep" --help | sed -nE 's/^ +(--[a-z]+) .*/  \1/p' | grep -vE -- '--(dir|every)$') \
		<(sed -n '/(pipelines\/keep)/,/_FLAGS=/p' "$UNITS/cluster.env" | sed -nE 's/^#(   --[a-z]+).*/\1/p' |
			sed 's/^ */  /')
}
