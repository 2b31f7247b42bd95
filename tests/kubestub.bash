# shellcheck shell=bash
# A pretended API server for bats files: kubestub(tests/tools/kubestub.c) with a handler in bash.
#
#   stub_start <<'END' … END   starts it; the input is the handler's body: it sees METHOD, TARGET,
#                              BASE (TARGET without its query), N (how many requests of this
#                              method and BASE came before, watches and others counted apart),
#                              and the functions below
#   stub_stop                  ends it
#   stub_requests [PATTERN]    the log's lines, or how many match an extended regular expression
#
# $STUB is its directory: kubeconfig, log, port. $STUB_ADDRESS is where it listens (127.0.0.1).

STUB_FUNCTIONS='
reply() { # CODE BODY [HEADER]...
	local code=$1 body=$2 LC_ALL=C
	shift 2
	printf "HTTP/1.1 %s Stub\r\nContent-Type: application/json\r\nContent-Length: %s\r\nConnection: close\r\n" \
		"$code" "${#body}"
	[ $# = 0 ] || printf "%s\r\n" "$@"
	printf "\r\n%s" "$body"
}
status() { # CODE MESSAGE [HEADER]...
	local code=$1 message=$2
	shift 2
	reply "$code" "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"code\":$code,\"message\":\"$message\"}" "$@"
}
list() { # RESOURCEVERSION CONTINUE [ITEM]...
	local rv=$1 continue=$2
	shift 2
	local IFS=,
	reply 200 "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"$rv\",\"continue\":\"$continue\"},\"items\":[$*]}"
}
chunked() { printf "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"; }
chunk() { local LC_ALL=C; printf "%x\r\n%s\r\n" "${#1}" "$1"; }
event() { # TYPE OBJECT
	chunk "{\"type\":\"$1\",\"object\":$2}
"
}
last() { printf "0\r\n\r\n"; }
object() { # NAME RESOURCEVERSION [MORE MEMBERS]
	printf %s "{\"metadata\":{\"name\":\"$1\",\"namespace\":\"team\",\"resourceVersion\":\"$2\"}${3:+,$3}}"
}
end_mark() { # RESOURCEVERSION
	event BOOKMARK "{\"metadata\":{\"resourceVersion\":\"$1\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}"
}
quiet() { exec sleep 1000; } # holds the connection
streaming() { [[ $TARGET == *sendInitialEvents* ]]; }
watching() { [[ $TARGET == *watch=1* ]]; }
# What the server says that it has: groups GROUP/VERSION..., the first of a group is preferred. These
# are always there: apps, batch, networking.k8s.io, discovery.k8s.io and both operators'"'"' groups.
groups() {
	local each all=
	for each in "$@" apps/v1 batch/v1 networking.k8s.io/v1 discovery.k8s.io/v1 agent.kagenti.dev/v1alpha1 agent.rossoctl.dev/v1alpha1; do
		[[ $all == *"{\"name\":\"${each%/*}\""* ]] ||
			all+="${all:+,}{\"name\":\"${each%/*}\",\"versions\":[{\"version\":\"${each#*/}\"}],\"preferredVersion\":{\"version\":\"${each#*/}\"}}"
	done
	reply 200 "{\"kind\":\"APIGroupList\",\"groups\":[$all]}"
}
# The AgentCards'"'"' definition, with the rules, or with these members of its spec.
definition() {
	local members=${1:-\"networkPolicy\":{\"properties\":{\"egress\":{\"type\":\"array\"\}\}\}}
	reply 200 "{\"spec\":{\"versions\":[{\"name\":\"v1alpha1\",\"schema\":{\"openAPIV3Schema\":{\"properties\":{\"spec\":{\"properties\":{$members}}}}}}]}}"
}
# What a server without streaming lists and with nothing in it says; used for all that the test
# does not speak of.
empty() {
	case $TARGET in
	/apis) groups ;;
	/apis/apiextensions.k8s.io/v1/customresourcedefinitions/agentcards.*) definition ;;
	*sendInitialEvents*) status 400 "unknown parameter" ;;
	*watch=1*) chunked; quiet ;;
	*) list 10 "" ;;
	esac
}
BASE=${TARGET%%\?*}
if watching; then pattern="^$METHOD $BASE\?[^ ]*watch=1"; else pattern="^$METHOD $BASE(\?[^ ]*)? "; fi
N=-1
while IFS= read -r line; do
	[[ $line =~ $pattern ]] || continue
	watching || [[ $line != *watch=1* ]] || continue
	N=$((N + 1))
done <"$STUB/log"
'

stub_start() {
	STUB=${STUB:-$BATS_TEST_TMPDIR/stub}
	export STUB
	mkdir -p "$STUB"
	rm -f "$STUB/port" "$STUB/log"
	{
		echo '#!/bin/bash'
		echo "STUB=$STUB"
		echo "$STUB_FUNCTIONS"
		cat
	} >"$STUB/handler"
	chmod +x "$STUB/handler"
	setsid "$BUILD/tools/kubestub" "$STUB/port" "$STUB/log" "$STUB/handler" \
		"${STUB_ADDRESS:-127.0.0.1}" >"$STUB/messages" 2>&1 3>&- &
	STUB_PID=$!
	local i
	for ((i = 0; i < 2400; i++)); do
		{ [ ! -s "$STUB/port" ] && kill -0 "$STUB_PID" 2>/dev/null; } || break
		sleep 0.05
	done
	cat >"$STUB/kubeconfig" <<-END
		apiVersion: v1
		kind: Config
		clusters: [{name: stub, cluster: {server: "http://127.0.0.1:$(cat "$STUB/port")"}}]
		users: [{name: stub, user: {token: s3cret-token}}]
		contexts: [{name: stub, context: {cluster: stub, user: stub}}]
		current-context: stub
	END
}

# The session's every process: the stub and the handlers that still run.
stub_stop() {
	[ -z "${STUB_PID:-}" ] || kill -- "-$STUB_PID" 2>/dev/null || true
	STUB_PID=
}

stub_requests() {
	if [ $# = 0 ]; then cat "$STUB/log"; else grep -cE "$1" "$STUB/log" || true; fi
}
