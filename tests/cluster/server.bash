# shellcheck shell=bash
# A cluster for tests: etcd and kube-apiserver on loopback ports, nothing else. No controllers
# run: namespaces stay Terminating, owner references are not followed, no service accounts
# appear by themselves. For bats' setup_file and teardown_file; plain bash can source it too.
#
#   cluster_find                        sets CLUSTER_ETCD and CLUSTER_APISERVER, or says what is missing
#   cluster_start DIR [USER[:GROUP[,GROUP]...]]...
#                                       starts both; the arguments are users with a token
#   cluster_stop DIR                    ends both; DIR stays, without etcd's data
#   cluster_kill_apiserver DIR          SIGKILL, as a crash would be
#   cluster_stop_apiserver DIR          SIGTERM, waits: connections are closed in order
#   cluster_restart_apiserver DIR       starts it again, on the same port, with the same data
#   cluster_revision DIR                prints etcd's revision: the newest resourceVersion
#   cluster_compact DIR                 forgets every revision before the newest
#   cluster_user DIR NAME               prints the path of a token user's kubeconfig
#   cluster_cert_user DIR NAME [GROUP]...
#                                       the same for a client certificate, made on the spot
#   cluster_token_for_sa DIR NAMESPACE NAME [SECONDS [AUDIENCE]]
#                                       prints a bound token of an existing service account
#   cluster_curl DIR PATH [ARGUMENT]... curl as admin
#   cluster_kubectl DIR ARGUMENT...     kubectl as admin
#   cluster_established DIR             waits until every CustomResourceDefinition is
#
# What cluster_start leaves in DIR: kubeconfig (admin, a member of system:masters), url,
# ca.crt, client-ca.crt and .key, tokens.csv, admin.token, etcd.log, apiserver.log.
#
# Environment: CLUSTER chooses the server, 1.20 (Debian's, with Debian's etcd) or current (as
# build-current makes it, with its etcd); without it KUBEBUILDER_ASSETS and PATH count too. Test files
# that use that name for a folder do so after this one is loaded, which keeps the choice as
# CLUSTER_VERSION. AGENT_EGRESS_CACHE says where the built programs are; CLUSTER_STORE names another
# etcd; CLUSTER_APISERVER_FLAGS holds further flags (words), read by every start and restart.
#
# The shell that calls cluster_start owns the cluster: when that process is gone, so is the
# cluster within two seconds, whatever ended it.

# The address under which the server announces itself. It must not be loopback (Endpoints may
# not hold such), nor depend on the machine's network: one of RFC 5737.
CLUSTER_ADVERTISE=192.0.2.1

case ${CLUSTER:-} in
1.20 | current)
	export CLUSTER_VERSION=$CLUSTER
	unset CLUSTER
	;;
esac

cluster_find() {
	local cache=${AGENT_EGRESS_CACHE:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/agent-egress}
	local status=0 make='make apiserver builds one'
	[ "${CLUSTER_VERSION:-}" != current ] || make+=' where Go 1.26 comes first in PATH'
	CLUSTER_ETCD=${CLUSTER_STORE:-$(_cluster_program etcd "$cache")} || {
		echo "cluster: no etcd for CLUSTER=${CLUSTER_VERSION:-}: apt-get install etcd-server; $make" >&2
		status=1
	}
	CLUSTER_APISERVER=$(_cluster_program kube-apiserver "$cache") || {
		echo "cluster: no kube-apiserver for CLUSTER=${CLUSTER_VERSION:-}: $make" >&2
		status=1
	}
	command -v kubectl >/dev/null || {
		echo "cluster: no kubectl: apt-get install kubernetes-client" >&2
		status=1
	}
	return $status
}

_cluster_program() { # NAME CACHE
	local folder folders=("${KUBEBUILDER_ASSETS:-}" "$2/bin")
	case ${CLUSTER_VERSION:-} in
	1.20) folders=("$2/bin") ;;
	current) folders=("$2/current/bin") ;;
	esac
	for folder in "${folders[@]}"; do
		if [ -n "$folder" ] && [ -x "$folder/$1" ]; then
			echo "$folder/$1"
			return
		fi
	done
	[ "${CLUSTER_VERSION:-}" != current ] && type -P "$1"
}

# cluster_is_current: whether the server is the current one, by what it says of itself.
cluster_is_current() {
	[ "$("$CLUSTER_APISERVER" --version | sed -E 's/.* v1\.([0-9]+)\..*/\1/')" -gt 30 ]
}

cluster_start() {
	local dir user
	cluster_find || return
	mkdir -p "$1" && dir=$(cd "$1" && pwd) || return
	shift
	cluster_stop "$dir"
	_cluster_certificates "$dir" || return
	: >"$dir/tokens.csv"
	_cluster_add_user "$dir" admin system:masters
	for user in "$@"; do
		_cluster_add_user "$dir" "${user%%:*}" "$([[ $user != *:* ]] || echo "${user#*:}")"
	done
	_cluster_watchdog "$dir" || return
	if ! { _cluster_start_etcd "$dir" &&
		_cluster_on_a_port "$dir" apiserver https url _cluster_run_apiserver; }; then
		cluster_stop "$dir"
		return 1
	fi
	_cluster_kubeconfig "$dir" token admin "$(cat "$dir/admin.token")" >"$dir/kubeconfig"
}

cluster_stop() {
	local dir=$1
	[ -d "$dir" ] || return 0
	dir=$(cd "$dir" && pwd)
	_cluster_end "$dir" watchdog KILL
	_cluster_reap "$dir"
}

cluster_kill_apiserver() {
	_cluster_end "$(cd "$1" && pwd)" apiserver KILL
}

cluster_stop_apiserver() {
	_cluster_end "$(cd "$1" && pwd)" apiserver TERM
}

cluster_restart_apiserver() {
	local dir
	cluster_find || return
	dir=$(cd "$1" && pwd) || return
	_cluster_end "$dir" apiserver KILL
	_cluster_run_apiserver "$dir" && return
	_cluster_complain "$dir" apiserver
	return 1
}

cluster_revision() {
	local answer
	answer=$(_cluster_etcd "$1" kv/range '{"key":"AA==","keys_only":true}') &&
		jq -er .header.revision <<<"$answer"
}

cluster_compact() {
	local revision
	revision=$(cluster_revision "$1") || return
	# A revision can be compacted once.
	[ "$revision" != "$(cat "$1/compacted" 2>/dev/null)" ] || return 0
	_cluster_etcd "$1" kv/compaction "{\"revision\":\"$revision\",\"physical\":true}" >/dev/null ||
		return
	echo "$revision" >"$1/compacted"
}

cluster_user() { # DIR NAME
	local dir file token
	dir=$(cd "$1" && pwd) || return
	file=$dir/$2.kubeconfig
	token=$(awk -F, -v name="$2" '$2 == name { print $1 }' "$dir/tokens.csv")
	if [ -z "$token" ]; then
		echo "cluster: no user $2: name it when the cluster is started" >&2
		return 1
	fi
	_cluster_kubeconfig "$dir" token "$2" "$token" >"$file"
	echo "$file"
}

cluster_cert_user() { # DIR NAME [GROUP]...
	local dir subject name=$2 group
	dir=$(cd "$1" && pwd) || return
	shift 2
	subject=/CN=$name
	for group in "$@"; do
		subject=/O=$group$subject
	done
	_cluster_sign "$dir" "$name" client-ca "$subject" 'extendedKeyUsage=clientAuth' || return
	_cluster_kubeconfig "$dir" certificate "$name" >"$dir/$name.kubeconfig"
	echo "$dir/$name.kubeconfig"
}

cluster_token_for_sa() { # DIR NAMESPACE NAME [SECONDS [AUDIENCE]]
	local seconds=${4:-3600} audiences='[]' answer
	[ -z "${5:-}" ] || audiences="[\"$5\"]"
	answer=$(cluster_curl "$1" "/api/v1/namespaces/$2/serviceaccounts/$3/token" \
		-H 'Content-Type: application/json' -d "{\"apiVersion\":\"authentication.k8s.io/v1\",
		\"kind\":\"TokenRequest\",\"spec\":{\"expirationSeconds\":$seconds,\"audiences\":$audiences}}") ||
		return
	jq -er '.status.token? // empty' <<<"$answer" && return
	echo "cluster: no token for $2/$3: $(jq -r .message <<<"$answer")" >&2
	return 1
}

cluster_curl() { # DIR PATH [ARGUMENT]...
	local dir=$1 path=$2
	shift 2
	curl -sS --noproxy '*' --cacert "$dir/ca.crt" \
		-H "Authorization: Bearer $(cat "$dir/admin.token")" "$@" "$(cat "$dir/url")$path"
}

cluster_kubectl() { # DIR ARGUMENT...
	local dir=$1
	shift
	kubectl --kubeconfig "$dir/kubeconfig" --cache-dir "$dir/kubectl" "$@"
}

# Waits for every definition. kubectl fails at one that is so new that it has no condition yet.
cluster_established() { # DIR
	_cluster_until 240 cluster_kubectl "$1" wait --for=condition=Established crd --all \
		--timeout=240s >/dev/null 2>&1
}

_cluster_certificates() { # DIR
	local ca
	for ca in ca client-ca; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
			-subj "/CN=test $ca" -addext 'keyUsage=critical,keyCertSign,cRLSign' \
			-keyout "$1/$ca.key" -out "$1/$ca.crt" 2>"$1/openssl.log" ||
			{ cat "$1/openssl.log" >&2 && return 1; }
	done
	_cluster_sign "$1" serving ca /CN=kube-apiserver 'extendedKeyUsage=serverAuth
subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc' || return
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1/sa.key"
	openssl pkey -in "$1/sa.key" -pubout -out "$1/sa.pub"
}

_cluster_sign() { # DIR NAME CA SUBJECT EXTENSIONS
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$4" \
		-keyout "$1/$2.key" -out "$1/$2.csr" 2>"$1/openssl.log" &&
		openssl x509 -req -in "$1/$2.csr" -CA "$1/$3.crt" -CAkey "$1/$3.key" -days 30 \
			-extfile <(printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n%s\n' "$5") \
			-out "$1/$2.crt" 2>>"$1/openssl.log" && return
	cat "$1/openssl.log" >&2
	return 1
}

_cluster_add_user() { # DIR NAME GROUPS
	local token
	token=$(openssl rand -hex 16)
	echo "$token,$2,uid-$2,\"$3\"" >>"$1/tokens.csv"
	[ "$2" != admin ] || printf %s "$token" >"$1/admin.token"
}

_cluster_kubeconfig() { # DIR token|certificate NAME [TOKEN]
	cat <<-END
		apiVersion: v1
		kind: Config
		clusters:
		- name: test
		  cluster:
		    server: $(cat "$1/url")
		    certificate-authority-data: $(base64 -w 0 "$1/ca.crt")
		users:
		- name: $3
		  user:
	END
	if [ "$2" = token ]; then
		echo "    token: \"$4\""
	else
		echo "    client-certificate-data: $(base64 -w 0 "$1/$3.crt")"
		echo "    client-key-data: $(base64 -w 0 "$1/$3.key")"
	fi
	cat <<-END
		contexts:
		- name: test
		  context:
		    cluster: test
		    user: $3
		current-context: test
	END
}

_cluster_etcd() { # DIR METHOD BODY
	curl -fsS --noproxy '*' -d "$3" "$(cat "$1/etcd.url")/v3/$2"
}

# Starts a program in a session of its own, so that a ^C for the tests does not reach it, and
# with no descriptor of theirs, because bats waits until the last of those is closed.
_cluster_run() { # DIR NAME COMMAND...
	local dir=$1 name=$2
	shift 2
	rm -f "$dir/$name.pid"
	# shellcheck disable=SC2016
	setsid bash -c '
		for fd in /proc/self/fd/*; do
			fd=${fd##*/}
			[ "$fd" -le 2 ] || eval "exec $fd>&-"
		done
		read -r stat </proc/$$/stat
		began=(${stat##*) })
		echo "$$ ${began[19]}" >"$0.new" && mv "$0.new" "$0"
		exec "$@"' "$dir/$name.pid" "$@" >"$dir/$name.log" 2>&1 </dev/null &
	disown
	_cluster_until 120 test -s "$dir/$name.pid"
}

_cluster_until() { # SECONDS COMMAND...
	local until=$((SECONDS + $1 + 1))
	shift
	while ! "$@"; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.05
	done
}

# When process PID began, in clock ticks since the boot: with the number, a name for it that no other gets.
# The state is Z from when all that it had open is closed, unless threads of it still live.
_cluster_process() { # PID -> STATE BEGAN, or nothing when there is none
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) && [ -n "$stat" ] || return 1
	stat=${stat##*) } # the program's name may have spaces
	# shellcheck disable=SC2086 # words
	set -- $stat
	echo "$1 ${20}"
}

# `return` says 1 here: in a trap, without a number, it says what the last command before the trap said.
# A pid file may outlive its process, and the number may come to another. What the command line says
# is no sign of life: it is empty while a process ends and still answers on its port.
_cluster_alive() { # DIR NAME
	local pid began now state threads
	read -r pid began 2>/dev/null <"$1/$2.pid" && now=$(_cluster_process "$pid") || return 1
	read -r state now <<<"$now"
	[ "$now" = "$began" ] || return 1
	threads=("/proc/$pid/task/"*)
	[[ $state != [ZX] || ${#threads[@]} -gt 1 ]]
}

_cluster_gone() { ! _cluster_alive "$@"; }

_cluster_end() { # DIR NAME SIGNAL
	if _cluster_alive "$1" "$2"; then
		kill -s "$3" "$(cut -d ' ' -f 1 "$1/$2.pid")" 2>/dev/null || true
		_cluster_until 60 _cluster_gone "$1" "$2" || {
			kill -s KILL "$(cut -d ' ' -f 1 "$1/$2.pid")" 2>/dev/null || true
			_cluster_until 60 _cluster_gone "$1" "$2" || true
		}
	fi
	rm -f "$1/$2.pid"
}

_cluster_reap() { # DIR
	local store
	_cluster_end "$1" apiserver KILL
	_cluster_end "$1" etcd KILL
	store=$(cat "$1/store" 2>/dev/null) || return 0
	case $store in
	*/agent-egress-etcd.*) rm -rf "$store" "$1/store" ;;
	esac
}

# Ends the cluster when its owner did not.
_cluster_watchdog() { # DIR
	# shellcheck disable=SC2016
	_cluster_run "$1" watchdog bash -c '
		. "$0"
		while kill -0 "$2" 2>/dev/null; do sleep 1; done
		_cluster_reap "$1"' "${BASH_SOURCE[0]}" "$1" "$$"
}

# etcd syncs each write to disk; a test's data can live in memory.
_cluster_start_etcd() { # DIR
	local parent=$1
	_cluster_etcd_flags=(--logger zap --log-outputs stderr)
	if "$CLUSTER_ETCD" --help 2>&1 | grep -q -- --unsafe-no-fsync; then
		_cluster_etcd_flags+=(--unsafe-no-fsync)
	elif [ -d /dev/shm ] && [ -w /dev/shm ]; then
		parent=/dev/shm
	fi
	mktemp -d "$parent/agent-egress-etcd.XXXXXX" >"$1/store" || return
	rm -f "$1/compacted"
	_cluster_on_a_port "$1" etcd http etcd.url _cluster_run_etcd
}

# The log, not an answer on the port, shows that it is this etcd that has it.
_cluster_run_etcd() { # DIR
	local url
	url=$(cat "$1/etcd.url")
	_cluster_run "$1" etcd "$CLUSTER_ETCD" --name "$1" --data-dir "$(cat "$1/store")" \
		"${_cluster_etcd_flags[@]}" --listen-peer-urls http://127.0.0.1:0 \
		--listen-client-urls "$url" --advertise-client-urls "$url" || return
	_cluster_until 120 _cluster_settled "$1" etcd 'serving client traffic insecurely' &&
		_cluster_alive "$1" etcd
}

# Both want to be told their port. One below the range of outgoing connections stays free for
# a restart; when another process has it, the next try takes another.
_cluster_on_a_port() { # DIR NAME SCHEME URLFILE COMMAND
	for _ in 1 2 3 4 5; do
		echo "$3://127.0.0.1:$((20000 + RANDOM % 12000))" >"$1/$4"
		"$5" "$1" && return
		_cluster_end "$1" "$2" KILL
		grep -q 'address already in use' "$1/$2.log" || break
	done
	_cluster_complain "$1" "$2"
	return 1
}

# True when the log has the text or the process has ended.
_cluster_settled() { # DIR NAME TEXT
	grep -q "$3" "$1/$2.log" || _cluster_gone "$1" "$2"
}

_cluster_complain() { # DIR NAME
	printf 'cluster: %s did not start; the end of %s:\n' "$2" "$1/$2.log" >&2
	tail -n 15 "$1/$2.log" >&2
}

_cluster_run_apiserver() { # DIR
	local dir=$1 extra=() port
	read -ra extra <<<"${CLUSTER_APISERVER_FLAGS:-}" || true
	port=$(cat "$dir/url") && port=${port##*:}
	_cluster_run "$dir" apiserver "$CLUSTER_APISERVER" --etcd-servers="$(cat "$dir/etcd.url")" \
		--etcd-compaction-interval=0 --bind-address=127.0.0.1 --secure-port="$port" \
		--advertise-address="$CLUSTER_ADVERTISE" --cert-dir="$dir" \
		--tls-cert-file="$dir/serving.crt" --tls-private-key-file="$dir/serving.key" \
		--client-ca-file="$dir/client-ca.crt" --token-auth-file="$dir/tokens.csv" \
		--service-account-key-file="$dir/sa.pub" --service-account-signing-key-file="$dir/sa.key" \
		--service-account-issuer=https://kubernetes.default.svc \
		--service-cluster-ip-range=10.96.0.0/16 --authorization-mode=RBAC \
		--disable-admission-plugins=ServiceAccount "${extra[@]}" || return
	_cluster_until 300 _cluster_ready_or_gone "$dir" && _cluster_alive "$dir" apiserver
}

_cluster_ready_or_gone() { # DIR
	_cluster_gone "$1" apiserver || _cluster_ready "$1"
}

# The namespace and the endpoints are written a moment after the server says it is ready.
_cluster_ready() { # DIR
	local path
	for path in /readyz /api/v1/namespaces/default /api/v1/namespaces/default/endpoints/kubernetes; do
		cluster_curl "$1" "$path" -f -o /dev/null --max-time 5 2>/dev/null || return 1
	done
}
