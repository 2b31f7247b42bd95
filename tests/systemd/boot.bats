#!/usr/bin/env bats
# The units under a systemd of their own, installed from the package in a container on this
# machine's /usr, against a test API server.

bats_require_minimum_version 1.5.0

load ../cluster/server

# What keeps these tests from running here, in words.
missing() {
	command -v systemd-nspawn >/dev/null ||
		echo 'there is no systemd-nspawn: apt-get install systemd-container dbus, and be root'
	{ command -v dpkg-buildpackage && command -v dh; } >/dev/null ||
		echo 'the package cannot be built: apt-get install debhelper dpkg-dev'
	[ "$(id -u)" -eq 0 ] || echo 'a systemd of its own needs root; run it as root'
	! grep -q __asan_init "$BUILD/bin/egress-verify" ||
		echo 'a sanitizer does not bear the confinement; run it with a build without SANITIZE'
	cluster_find 2>&1
}

setup_file() {
	missing >"$BATS_FILE_TMPDIR/missing" || true
	[ ! -s "$BATS_FILE_TMPDIR/missing" ] || return 0
	build_package
	if ! boot; then
		echo "systemd does not boot in a container here: $(tail -n 1 "$BATS_FILE_TMPDIR/console")" \
			>"$BATS_FILE_TMPDIR/missing"
		return 0
	fi
	inside dpkg --admindir=/dpkg --no-triggers -i /opt/agent-egress.deb >&2
	inside systemctl daemon-reload
	export DIR=$BATS_FILE_TMPDIR/cluster
	cluster_start "$DIR"
	make_agent
	configure
}

setup() {
	[ ! -s "$BATS_FILE_TMPDIR/missing" ] || skip "$(paste -sd';' "$BATS_FILE_TMPDIR/missing")"
}

teardown_file() {
	local process
	for process in init nspawn; do
		[ ! -e "$BATS_FILE_TMPDIR/$process" ] || kill -s KILL "$(cat "$BATS_FILE_TMPDIR/$process")" || true
	done
	[ -z "${DIR:-}" ] || cluster_stop "$DIR"
}

build_package() {
	mkdir -p "$BATS_FILE_TMPDIR"/{etc,system,usr,dpkg,opt}
	ln -s /dev/null "$BATS_FILE_TMPDIR/system/systemd-firstboot.service"
	# without an identity each boot is a first one, which enables all units
	tr -d - </proc/sys/kernel/random/uuid >"$BATS_FILE_TMPDIR/machine-id"
	: >"$BATS_FILE_TMPDIR/dpkg/statoverride" # of this machine's groups, which are not there
	make -C "$BATS_TEST_DIRNAME/../.." BUILD="$BATS_FILE_TMPDIR/build" deb >"$BATS_FILE_TMPDIR/log" 2>&1 ||
		{ tail -n 20 "$BATS_FILE_TMPDIR/log" && return 1; }
	mv "$BATS_FILE_TMPDIR"/build/deb/agent-egress_*.deb "$BATS_FILE_TMPDIR/opt/agent-egress.deb"
}

# The container has /usr of this machine and the list of its packages, and nothing else of it but
# the network. What is installed, configured and enabled there stays there, and outlives a reboot,
# which is a second call of this.
boot() {
	local tries=0
	systemd-nspawn --quiet --machine="egress-$$" --directory=/ --volatile=yes --register=no \
		--keep-unit --link-journal=no --overlay="/usr:$BATS_FILE_TMPDIR/usr:/usr" \
		--overlay="/var/lib/dpkg:$BATS_FILE_TMPDIR/dpkg:/dpkg" --bind-ro="$BATS_FILE_TMPDIR/opt:/opt" \
		--bind-ro="$BATS_FILE_TMPDIR/machine-id:/etc/machine-id" \
		--bind="$BATS_FILE_TMPDIR/system:/etc/systemd/system" \
		--bind="$BATS_FILE_TMPDIR/etc:/etc/egress" --boot -- systemd.unit=multi-user.target \
		>"$BATS_FILE_TMPDIR/console" 2>&1 </dev/null 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/nspawn"
	until pgrep -P "$(cat "$BATS_FILE_TMPDIR/nspawn")" systemd >"$BATS_FILE_TMPDIR/init" &&
		inside test -e /run/systemd/private 2>/dev/null; do
		kill -0 "$(cat "$BATS_FILE_TMPDIR/nspawn")" 2>/dev/null && [ $((tries += 1)) -lt 1200 ] || return 1
		sleep 0.2
	done
}

# inside COMMAND...: in the container
inside() { timeout 240 nsenter -t "$(cat "$BATS_FILE_TMPDIR/init")" -a "$@"; }

make_agent() {
	# shellcheck source=tests/cluster/sample.bash
	. "$BATS_TEST_DIRNAME/../cluster/sample.bash"
	sample_definition | cluster_kubectl "$DIR" create -f -
	cluster_established "$DIR"
	cluster_kubectl "$DIR" create namespace team-a
	cluster_kubectl "$DIR" create -f - <<-END
		apiVersion: apps/v1
		kind: Deployment
		metadata: {namespace: team-a, name: billing, labels: {kagenti.io/type: agent}}
		spec:
		  selector: {matchLabels: {app: billing}}
		  template:
		    metadata: {labels: {app: billing, kagenti.io/type: agent}}
		    spec: {containers: [{name: a, image: a}]}
		---
		apiVersion: agent.kagenti.dev/v1alpha1
		kind: AgentCard
		metadata: {namespace: team-a, name: billing-card}
		spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: billing}}
	END
}

configure() {
	local account
	for account in watch apply; do
		install -m 600 "$DIR/kubeconfig" "$BATS_FILE_TMPDIR/etc/prod.$account.kubeconfig"
	done
	sed 's/^EGRESS_VERIFY_FLAGS="/&--trust-domain example.org/' "$BATS_TEST_DIRNAME/../../systemd/cluster.env" \
		>"$BATS_FILE_TMPDIR/etc/prod.env"
}

policy() { cluster_kubectl "$DIR" -n team-a "$@" networkpolicy billing-signature-policy; }
policy_exists() { policy get >/dev/null 2>&1; }
pids() { inside systemctl show -P MainPID egress-{watch,verify,translate,apply}@prod | grep .; }
all_new() { # PIDS: four others run
	local now
	now=$(pids) && [ "$(grep -vxc 0 <<<"$now")" -eq 4 ] && ! grep -qxF "$1" <<<"$now"
}
complete() { _cluster_until 240 inside systemctl is-active --quiet egress-translate@prod; }

@test "an unedited configuration keeps the target from starting, and the journal names file and line" {
	cp "$BATS_TEST_DIRNAME/../../systemd/cluster.env" "$BATS_FILE_TMPDIR/etc/prod.env"
	run ! inside systemctl start egress@prod.target
	run ! inside systemctl is-active --quiet egress@prod.target
	inside journalctl --sync
	inside journalctl -o cat -u egress-pipes@prod |
		grep -x "/etc/egress/prod.env:$(grep -n ^EGRESS_VERIFY_FLAGS= "$BATS_FILE_TMPDIR/etc/prod.env" | cut -d : -f 1): .*--trust-domain.*"
	configure
}

@test "a started target applies the policies" {
	inside systemctl start egress@prod.target
	complete
	_cluster_until 240 policy_exists
}

@test "when a stage dies, all of them begin again, and what changed meanwhile is put right" {
	local stage before
	for stage in watch verify translate apply; do
		before=$(pids)
		inside systemctl kill -s KILL "egress-$stage@prod"
		policy delete
		_cluster_until 240 all_new "$before" || { echo "$stage: $before" && pids && return 1; }
		complete
		_cluster_until 240 policy_exists
	done
}

@test "the recorder keeps the log, and its replay gives the policies in the cluster" {
	recorded() { inside grep -qs '"billing-card"' -r /var/log/egress/prod/; }
	inside systemctl start egress-record@prod
	_cluster_until 240 recorded
	# what befalls the recorder does not touch the pipeline
	local before
	before=$(pids)
	inside systemctl restart egress-record@prod
	[ "$(pids)" = "$before" ]
	inside systemctl start egress-replay@prod
	inside grep -q 'name: billing-signature-policy' -r /var/lib/egress/prod/replay/
	inside systemctl stop egress-record@prod
	[ "$(inside systemctl show -P Result egress-record@prod)" = success ]
}

@test "the audit reports drift to the journal, and changes nothing" {
	report() { # what the last start said
		inside systemctl start egress-audit@prod
		inside journalctl --sync
		inside journalctl -o cat -u egress-audit@prod | awk '/^Starting/ { said = "" } { said = said $0 "\n" }
			END { printf "%s", said }' >"$BATS_TEST_TMPDIR/report"
	}
	report
	grep -qx 'There is no drift.' "$BATS_TEST_TMPDIR/report"
	inside systemctl stop egress@prod.target
	policy patch --type=json -p '[{"op": "replace", "path": "/spec/egress", "value": [{}]}]'
	report
	grep -qx -- '-  - {}' "$BATS_TEST_TMPDIR/report" || { cat "$BATS_TEST_TMPDIR/report" && return 1; }
	run -1 grep -x 'There is no drift.' "$BATS_TEST_TMPDIR/report"
	[ "$(policy get -o jsonpath='{.spec.egress}')" = '[{}]' ]
	inside systemctl start egress@prod.target
	complete
}

@test "no stage has what another needs" {
	local pid
	inside test -e /run/credentials/egress-watch@prod.service/kubeconfig
	run ! inside test -e /run/credentials/egress-verify@prod.service
	run ! inside test -e /run/credentials/egress-translate@prod.service
	pid=$(inside systemctl show -P MainPID egress-verify@prod)
	[ "$(inside sed -n 's/^CapEff:\t*//p' "/proc/$pid/status")" = 0000000000000000 ]
	[ "$(inside sed -n 's/^Seccomp:\t*//p' "/proc/$pid/status")" = 2 ]
}

@test "a stopped target leaves no process and no pipe behind" {
	inside systemctl stop egress@prod.target
	run -1 grep -vx 0 <<<"$(pids)"
	[ -z "$(inside ls /run/egress)" ]
}

# drop_in UNIT: its input becomes a drop-in, until the container ends
drop_in() {
	inside mkdir -p "/run/systemd/system/$1.d"
	inside tee "/run/systemd/system/$1.d/test.conf" >/dev/null
	inside systemctl daemon-reload
}
drop_out() { # UNIT
	inside rm -r "/run/systemd/system/$1.d"
	inside systemctl daemon-reload
}
said() { # UNIT PATTERN: in the journal, once
	[ "$(inside journalctl -o cat -u "$1" --since "$SINCE" | grep -cE -- "$2")" -eq 1 ]
}
begin_journal() { SINCE=@$(inside date +%s.%N); }

@test "a reload reads files again, and no stage begins anew" {
	local before
	inside systemctl start egress@prod.target
	complete
	before=$(pids)
	begin_journal
	inside systemctl reload egress-watch@prod egress-verify@prod egress-apply@prod
	_cluster_until 240 said egress-verify@prod 'asked to: .* read again$'
	[ "$(pids)" = "$before" ]
}

@test "a stage that hangs is ended by its watchdog, the journal says so, and all of them begin again" {
	local before
	drop_in egress-translate@prod.service <<<$'[Service]\nWatchdogSec=5s\nTimeoutAbortSec=2s'
	inside systemctl restart egress@prod.target
	complete
	before=$(pids)
	begin_journal
	policy delete
	inside systemctl kill -s STOP egress-translate@prod
	_cluster_until 240 all_new "$before" || { pids && return 1; }
	inside journalctl -o cat -u egress-translate@prod --since "$SINCE" | grep -q 'Watchdog timeout'
	complete
	_cluster_until 240 policy_exists
	drop_out egress-translate@prod.service
}

@test "a stage is swapped with a drop-in" {
	drop_in egress-translate@prod.service <<-'END'
		[Service]
		ExecStart=
		ExecStart=bash -o pipefail -c "egress-translate --status | jq -c --unbuffered 'if .object.kind == \"NetworkPolicy\" then .object.metadata.labels.team = \"a\" else . end'"
		Type=exec
		WatchdogSec=0
	END
	inside systemctl restart egress@prod.target
	annotated() { [ "$(policy get -o jsonpath='{.metadata.labels.team}')" = a ]; }
	_cluster_until 240 annotated
	drop_out egress-translate@prod.service
	inside systemctl stop egress@prod.target
}

@test "after a reboot the enabled target comes back by itself" {
	local nspawn
	nspawn=$(cat "$BATS_FILE_TMPDIR/nspawn")
	gone() { ! grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$nspawn/status"; }
	inside systemctl enable egress@prod.target
	inside systemctl reboot
	_cluster_until 240 gone
	policy_exists && policy delete
	boot
	_cluster_until 240 inside systemctl is-active --quiet egress-translate@prod
	_cluster_until 240 policy_exists
	inside systemctl disable --now egress@prod.target
}

@test "a server that is not there, or not the right one, and a token that is refused: an error that says so, and it tries again" {
	local from=$DIR/kubeconfig watch=$BATS_FILE_TMPDIR/etc/prod.watch.kubeconfig url
	url=$(cat "$DIR/url")
	told() { inside journalctl -o cat -u egress-watch@prod --since "$SINCE" | grep -cE -- "$1"; }
	one_error() { # PATTERN
		begin_journal
		inside systemctl restart --no-block egress@prod.target
		_cluster_until 240 told "$1" >/dev/null ||
			{ inside journalctl -o cat -u egress-watch@prod --since "$SINCE" | tail -n 9 && return 1; }
		run ! inside systemctl is-active --quiet egress-translate@prod
		inside systemctl stop egress@prod.target
	}
	once_a_start() { [ "$(told "$1")" -le "$(told '^Starting egress-watch')" ]; }
	sed "s|$url|https://127.0.0.1:1|" "$from" >"$watch"
	one_error 'cannot talk to https://127.0.0.1:1: Failed to connect'
	sed "s|certificate-authority-data: .*|certificate-authority-data: $(base64 -w 0 "$DIR/client-ca.crt")|" "$from" >"$watch"
	one_error "no trusted connection to $url: .*certificate"
	once_a_start "no trusted connection to $url: .*certificate"
	sed 's/token: .*/token: expired/' "$from" >"$watch"
	one_error '401|Unauthorized'
	# what is put right is taken up without a hand
	inside systemctl start --no-block egress@prod.target
	configure
	complete
	inside systemctl stop egress@prod.target
}

@test "a stage keeps metrics where its drop-in lets it, as the configuration says, for others to read" {
	local file=/run/egress-metrics/prod-verify/egress.prom
	inside mkdir -p /run/systemd/system/egress-verify@.service.d
	sed -n '/^#   \[Service\]/,/^#$/s/^#   //p' "$BATS_TEST_DIRNAME/../../systemd/cluster.env" |
		inside tee /run/systemd/system/egress-verify@.service.d/metrics.conf
	sed -i "s|^EGRESS_VERIFY_FLAGS=\"|&--metrics $file |" "$BATS_FILE_TMPDIR/etc/prod.env"
	inside systemctl daemon-reload
	inside systemctl start egress@prod.target
	complete
	inside grep -q '^egress_info{program="egress-verify",cluster="prod",version=' "$file"
	[ "$(inside stat -c %a "$file" "${file%/*}" | paste -sd' ')" = '644 755' ]
	inside systemctl stop egress@prod.target
	configure
}

@test "without its credential the journal says that it is missing, and it starts once it is there" {
	rm "$BATS_FILE_TMPDIR/etc/prod.watch.kubeconfig"
	inside systemctl start --no-block egress@prod.target
	told() {
		inside journalctl -o cat -u 'egress-*@prod.service' | grep -x \
			'/etc/egress/prod.watch.kubeconfig is not there: egress-watch@prod will not start'
	}
	_cluster_until 240 told || { inside journalctl -o cat -u 'egress-*@prod.service' | tail -n 20 && return 1; }
	run -1 grep 'apply.kubeconfig is not there' <(inside journalctl -o cat -u 'egress-*@prod.service')
	configure
	complete
	inside systemctl stop egress@prod.target
}

# The last of these tests: nothing can be started after it.
@test "removing the package stops what runs, and leaves the configuration; purging leaves that of the cluster" {
	inside systemctl start egress@prod.target egress-record@prod
	complete
	inside dpkg --admindir=/dpkg --no-triggers -r agent-egress
	[ -z "$(inside systemctl list-units --no-legend --state=active,activating 'egress*')" ]
	run -1 inside pgrep -l '^egress-'
	[ -e "$BATS_FILE_TMPDIR/etc/example.env" ]
	inside dpkg --admindir=/dpkg --no-triggers -P agent-egress
	[ ! -e "$BATS_FILE_TMPDIR/etc/example.env" ]
	[ -e "$BATS_FILE_TMPDIR/etc/prod.env" ]
	[ -z "$(inside find /var/log/private /var/lib/private -name egress)" ]
}
