#!/usr/bin/env bats
# egress-fetch: cards from the agents themselves, who are whom it trusts least.
# shellcheck disable=SC2154 # stderr, which run sets

bats_require_minimum_version 1.5.0
load agent.bash
load kubestub

setup_file() { make_agent; }

setup() {
	enter
	export HOME=$PWD
	unset KUBECONFIG HTTP_PROXY http_proxy HTTPS_PROXY https_proxy ALL_PROXY all_proxy
	FETCHER='' SERVER=''
	unsigned='{"name":"billing"}'
	WELL=/.well-known/agent-card.json LEGACY=/.well-known/agent.json
	PROXIED=/api/v1/namespaces/team-a/services/billing:8000/proxy
}

teardown() {
	local pid
	for pid in $FETCHER $SERVER; do kill "$pid" 2>/dev/null || true; done
	[ ! -d stub ] || stub_stop
}

await() { # COMMAND...: until it is true
	local i
	for ((i = 0; i < 1200; i++)); do
		! "$@" 2>/dev/null || return 0
		sleep 0.05
	done
	echo "never: $*" && head -c 4000 out err stub/log
	return 1
}

# has FILE COUNT PATTERN: at least so many lines.
has() { [ "$(grep -cE -- "$3" "$1")" -ge "$2" ]; }

# The marks of egress-watch's list of a kind; the AgentCards' come last.
begin() { mark begin v1 ConfigMap; mark begin agent.kagenti.dev/v1alpha1 AgentCard; }
finish() { mark end v1 ConfigMap; mark end agent.kagenti.dev/v1alpha1 AgentCard; }
world() { begin && cat "$@" && finish; }
lone() { world trust workload card; } # an agent without a ConfigMap

# RUN is `exec` where the process must be the program itself.
# Limits that are not what a test is about are generous: of two that are given the last counts.
PATIENCE=(--timeout 120 --first-wait 600)
proxied() { ${RUN:-} egress-fetch --kubeconfig stub/kubeconfig "${PATIENCE[@]}" "$@"; }
direct() {
	${RUN:-} egress-fetch --via direct --gateway "127.0.0.1:$(cat stub/port)" "${PATIENCE[@]}" "$@"
}

# start COMMAND...: it reads the pipe `in`, which is open as 7, and writes `out`.
start() {
	mkfifo in
	(RUN=exec && "$@") <in >out 2>err 3>&- 7>&- &
	FETCHER=$!
	exec 7>in
}

# ends [STATUS]: closes its input and waits for it.
ends() {
	local status=0
	exec 7>&-
	wait "$FETCHER" || status=$?
	FETCHER=
	[ "$status" -eq "${1:-0}" ] || { echo "status $status" && cat err && return 1; }
}

# What was fetched: "TYPE namespace/name" and the card's name, or where it is from.
fetched() {
	jq -r 'select(.object.kind == "ConfigMap" and (.object.metadata.annotations["agent-egress.dev/fetched-from"] or .type == "DELETED")) |
		[.type, "\(.object.metadata.namespace)/\(.object.metadata.name)", (.object.data["agent-card.json"] // "null" | fromjson | .name // empty)] | join(" ")' "$@"
}
without_fetched() { grep -v 'agent-egress.dev/fetched-from' "$@"; }

# serve CARD: every agent answers with this card, where cards are now.
serve() {
	cp "$1" served
	stub_start <<-END
		case \$TARGET in
		*/.well-known/agent-card.json) reply 200 "\$(cat $PWD/served)" ;;
		*) reply 404 "not here" ;;
		esac
	END
}

@test "a card is fetched through the API server's proxy, with our token, and egress-verify verifies it" {
	serve billing.json
	lone | proxied >out
	[ "$(fetched out)" = 'ADDED team-a/billing-card-signed billing' ]
	[ "$(stub_requests "^GET $PROXIED$WELL application/json Bearer_s3cret-token$")" = 1 ]
	[ "$(jq -r 'select(.object.metadata.annotations["agent-egress.dev/fetched-from"]).object.data["agent-card.json"]' out)" = "$(cat billing.json)" ]
	[ "$(egress-verify --trust-domain example.org <out | verdicts | tail -n 1)" = 'MODIFIED team-a/billing-card Verified' ]
}

@test "directly, the agent's Service is asked by its name, and no token or cookie is sent" {
	serve billing.json
	stub_stop
	stub_start <<-END
		echo "\$HOST" >>$PWD/hosts
		reply 200 "\$(cat $PWD/served)" "Set-Cookie: a=b"
	END
	printf 'machine 127.0.0.1 login a password s3cret\n' >.netrc
	lone | KUBECONFIG=stub/kubeconfig http_proxy=http://127.0.0.1:9 direct --cluster-domain west.example >out
	[ "$(cat hosts)" = billing.team-a.svc.west.example:8000 ]
	[ "$(stub_requests)" = "GET $WELL application/json -" ]
	[ "$(egress-verify --trust-domain example.org <out | verdicts | tail -n 1)" = 'MODIFIED team-a/billing-card Verified' ]
}

@test "every line passes byte for byte and in its order, the fetched ones between" {
	serve billing.json
	{
		lone
		printf '  {"type" : "MODIFIED","object":%s } \r\n' "$(jq -c .object card)"
		echo '{"type":"ERROR","object":{"kind":"Status"}}'
		configmap team-a other key <card | event ADDED
	} >given
	proxied <given >out
	without_fetched out | cmp - <(tr -d '\r' <given) || without_fetched out | cmp - given
	[ "$(fetched out)" = 'ADDED team-a/billing-card-signed billing' ]
}

@test "a line that is no event is rejected, kept, and told to the stages behind" {
	serve billing.json
	{ echo nonsense && echo '{"type":"WHAT"}' && lone && sed 's/}$/,}/' card; } >given
	run -1 --separate-stderr proxied --rejects rejects <given
	[ "$(head -n 2 rejects)" = $'nonsense\n{"type":"WHAT"}' ]
	[ "$(jq -r 'select(.type == "ERROR").object | "\(.reason) \(.details.name)"' <<<"$output")" = \
		$'RecordRejected null\nRecordRejected null\nRecordRejected billing-card' ]
	[[ $stderr == *'line 1: '*'line 2: "type" is not that of a watch event'* ]]
}

@test "nothing is asked while the world is listed, and its end mark waits for the first answers" {
	stub_start <<-END
		until [ -e $PWD/go ]; do sleep 0.05; done
		reply 200 '$unsigned'
	END
	start proxied
	begin >&7
	cat trust workload card >&7
	await has out 5 .
	[ ! -e stub/log ]
	finish >&7
	await has stub/log 1 .
	echo "$(configmap team-a later k <card | event ADDED)" >&7
	run ! grep -q 'initial-events-end.*AgentCard\|AgentCard.*initial-events-end\|later' out
	touch go
	await has out 1 later
	# the card, the mark, what came after it
	tail -n 3 out | jq -r '.object.metadata | .name // "mark"' | xargs >order
	[ "$(cat order)" = 'billing-card-signed mark later' ]
	ends
}

@test "an agent that does not answer holds the end mark for the first wait and no longer" {
	stub_start <<<quiet
	start proxied --first-wait 1
	lone >&7
	await has out 2 initial-events-end
	[ -z "$(fetched out)" ]
	grep -q 'agents have not been heard yet: they count as without a card' err
	[[ $(kill -0 "$FETCHER" && echo runs) = runs ]]
	kill "$FETCHER"
	ends
}

@test "404 leads to the legacy path, and nothing else does" {
	stub_start <<-END
		case \$TARGET in
		*agent.json) reply 200 '$unsigned' ;;
		*) reply 404 no ;;
		esac
	END
	lone | proxied >out
	[ "$(jq -r '.object.metadata.annotations["agent-egress.dev/fetched-from"] // empty' out)" = "$LEGACY" ]
	[ "$(cut -d ' ' -f 2 stub/log | xargs)" = "$PROXIED$WELL $PROXIED$LEGACY" ]
	stub_stop
	for code in 410 500 403 401 302 204; do
		rm -rf stub
		stub_start <<<"reply $code no"
		lone | proxied >out 2>err
		[ -z "$(fetched out)" ]
		[ "$(stub_requests agent.json)" = 0 ]
		stub_stop
	done
}

# changing: what the file `now` says is what the agent does next.
changing() {
	stub_start <<-END
		case \$(cat $PWD/now) in
		card) reply 200 "\$(cat $PWD/served)" ;;
		none) reply 404 no ;;
		gone) reply 410 no ;;
		fails) reply 503 no ;;
		nothing) quiet ;;
		service) status 404 'services \\"billing\\" not found' ;;
		esac
	END
}

asked() { has stub/log "$(($(wc -l <mark) + $1))" .; } # since `mark` was copied from the log

@test "both 404: the ConfigMap is DELETED, and comes again with the card" {
	cp billing.json served
	echo card >now
	changing
	start proxied --sync-period 1 --min-period 1
	lone >&7
	await has out 1 fetched-from
	echo none >now
	await has out 1 '"DELETED"'
	echo card >now
	await has out 2 fetched-from
	ends
	[ "$(fetched out | xargs)" = 'ADDED team-a/billing-card-signed billing DELETED team-a/billing-card-signed ADDED team-a/billing-card-signed billing' ]
	[ "$(egress-verify --trust-domain example.org <out | verdicts | cut -d ' ' -f 3 | xargs)" = 'CardMissing Verified CardMissing Verified' ]
}

@test "410 is enough; 503, and a Service that is not there, are no answer, and the card stays" {
	cp billing.json served
	echo card >now
	changing
	start proxied --sync-period 1 --min-period 1
	lone >&7
	await has out 1 fetched-from
	for state in fails service; do
		cp stub/log mark
		echo $state >now
		await asked 2
	done
	run ! grep -q '"DELETED"' out
	grep -q 'team-a/billing: cannot fetch its card: HTTP 503; the last one stays' err
	grep -q 'services "billing" not found' err
	echo gone >now
	await has out 1 '"DELETED"'
	ends
}

@test "a card whose agent has not answered for too long is DELETED" {
	cp billing.json served
	echo card >now
	changing
	start proxied --sync-period 1 --min-period 1 --stale-after 3
	lone >&7
	await has out 1 fetched-from
	echo fails >now
	await has out 1 '"DELETED"'
	await has err 1 'the last one is too old now'
	ends
}

@test "a changed card is emitted as MODIFIED, an unchanged one not at all" {
	echo "$unsigned" >served
	echo card >now
	changing
	start proxied --sync-period 1 --min-period 1
	lone >&7
	await has out 1 fetched-from
	cp stub/log mark
	await asked 3
	[ "$(fetched out)" = 'ADDED team-a/billing-card-signed billing' ]
	cp billing.json served
	await has out 2 fetched-from
	[ "$(fetched out | tail -n 1)" = 'MODIFIED team-a/billing-card-signed billing' ]
	ends
}

@test "a ConfigMap in the stream wins: nobody is asked while there is one" {
	serve billing.json
	world trust workload signed card | proxied >out
	[ ! -e stub/log ]
	[ -z "$(fetched out)" ]
}

@test "a ConfigMap that comes later takes the fetched card's place; when it is deleted, fetching goes on" {
	echo "$unsigned" >served
	echo card >now
	changing
	start proxied --sync-period 1 --min-period 1
	lone >&7
	await has out 1 fetched-from
	cat signed >&7
	await has out 2 billing-card-signed
	sed 's/billing"/other"/' served >next && mv next served
	jq -c '.type = "DELETED"' signed >&7
	await has out 2 fetched-from
	ends
	[ "$(jq -r 'select(.object.metadata.name == "billing-card-signed").type' out | xargs)" = 'ADDED ADDED DELETED ADDED' ]
	[ "$(egress-verify --trust-domain example.org <out | verdicts | cut -d ' ' -f 3 | xargs)" = \
		'CardMissing SignatureMissing Verified CardMissing SignatureMissing' ]
}

@test "after a new list of ConfigMaps a verified agent still is, though the list does not name its card" {
	serve billing.json
	start proxied
	lone >&7
	await has out 1 fetched-from
	lone >&7
	await has out 4 initial-events-end
	ends
	[ "$(fetched out | sort | uniq -c | xargs)" = '2 ADDED team-a/billing-card-signed billing' ]
	egress-verify --trust-domain example.org <out >verified
	# verified at the first end mark, and never anything else from there
	run -0 verdicts <verified
	[ "$(cut -d ' ' -f 3 <<<"$output" | uniq | xargs)" = 'CardMissing Verified' ]
}

@test "a ConfigMap that a new list does not name is gone, and its agent is asked" {
	serve billing.json
	start proxied
	world trust workload signed card >&7
	lone >&7
	await has out 1 fetched-from
	ends
	[ "$(stub_requests)" = "GET $PROXIED$WELL application/json Bearer_s3cret-token" ]
	[ "$(egress-verify --trust-domain example.org <out | verdicts | tail -n 1 | cut -d ' ' -f 3)" = Verified ]
}

@test "when no card names the agent any more, its ConfigMap is DELETED" {
	serve billing.json
	start proxied
	lone >&7
	await has out 1 fetched-from
	jq -c '.type = "MODIFIED" | .object.spec.targetRef.name = "else"' card >&7
	await has out 2 fetched-from
	jq -c '.type = "DELETED" | .object.spec.targetRef.name = "else"' card >&7
	await has out 2 'ConfigMap.*"DELETED"|"DELETED".*ConfigMap'
	ends
	[ "$(fetched out | cut -d ' ' -f 1,2 | xargs)" = \
		'ADDED team-a/billing-card-signed DELETED team-a/billing-card-signed ADDED team-a/else-card-signed DELETED team-a/else-card-signed' ]
}

@test "spec.syncPeriod counts, within --min-period; one that is none is said once" {
	serve billing.json
	agentcard team-a billing '.spec.syncPeriod = "1s"' | event ADDED >card
	start proxied --min-period 1 --sync-period 86400
	lone >&7
	await has stub/log 3 .
	agentcard team-a billing '.spec.syncPeriod = "often"' | event MODIFIED >&7
	agentcard team-a billing '.spec.syncPeriod = "often" | .metadata.resourceVersion = "2"' | event MODIFIED >&7
	await has err 1 .
	ends
	[ "$(cat err)" = 'egress-fetch: agentcard team-a/billing-card: spec.syncPeriod is no duration such as 30s; the default counts: "often"' ]
}

@test "a workload whose name no Service can have is not asked, and that is said" {
	serve billing.json
	for name in a.b A '../x' "$(printf 'a%.0s' {1..64})" 'x:y' '-x'; do
		agentcard team-a billing ".spec.targetRef.name = \"$name\"" | event ADDED >card
		lone | proxied >out 2>err
		[ "$(grep -c 'no Service can have the name' err)" = 1 ]
	done
	[ ! -e stub/log ]
}

# refused WHY COMMAND...: the handler is the input; no card comes of it.
refused() {
	local why=$1
	shift
	rm -rf stub
	stub_start
	lone | "$@" >out 2>err
	stub_stop
	[ -z "$(fetched out)" ]
	grep -qE -- "team-a/billing: cannot fetch its card: $why" err || { cat err && return 1; }
}

@test "what an agent answers must be a JSON object within the limits, whatever type it claims" {
	for way in proxied direct; do
		refused 'its answer is not JSON' $way <<<'reply 200 "<html>welcome</html>"'
		refused 'its answer is empty' $way <<<'reply 200 ""'
		refused 'its answer is not a JSON object' $way <<<'reply 200 "[]"'
		refused 'its answer is not JSON.*duplicate key' $way <<<"reply 200 '{\"a\":1,\"a\":2}'"
		refused 'its answer is not JSON' $way <<<"reply 200 \"\$(printf '{\"a\":'; printf '[%.0s' {1..99}; printf ']%.0s' {1..99}; printf '}')\""
		refused 'its answer is not JSON' $way <<<'reply 200 "$(printf "{\"a\":\"\xff\"}")"'
		# compressed, though nobody asked for it: it stays so
		refused 'its answer is not JSON' $way <<-'END'
			printf 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n'
			echo '{"name":"billing"}' | gzip
		END
	done
}

@test "an answer that is too large, or has no end, is given up" {
	refused '.*too large' proxied --max-bytes 1000 <<<'reply 200 "{\"a\":\"$(printf "%1000s")\"}"'
	refused '.*too large' direct --max-bytes 1000 <<<'reply 200 "{\"a\":\"$(printf "%1000s")\"}"'
	for way in proxied direct; do
		refused '.*too large' $way <<<'printf "HTTP/1.1 200 OK\r\n\r\n"; exec yes'
	done
	refused 'its answer.s headers are too large' direct <<<'printf "HTTP/1.1 200 OK\r\n"; exec yes "A: b"'
}

@test "an answer that does not come, or comes a byte at a time, is given up when its time is over" {
	refused 'cannot talk to' proxied --timeout 2 <<<quiet
	refused 'it did not answer in time' direct --timeout 2 <<<quiet
	for way in proxied direct; do
		refused '.*' $way --timeout 2 <<-'END'
			printf 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{'
			while sleep 0.1; do printf ' '; done
		END
	done
	refused 'it did not answer in time' direct --timeout 2 <<<'printf "HTTP/1.1 200 OK\r\nA: "; while sleep 0.1; do printf b; done'
}

@test "a connection that breaks, and what is no HTTP, are failures" {
	for way in proxied direct; do
		refused '.*' $way <<<'printf "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}"'
		refused '.*' $way <<<'echo "{}"'
		refused '.*' $way <<<':'
	done
}

@test "a redirect is followed within the agent itself, three times at most; through the proxy never" {
	local to='302 moved "Location: '
	refused 'it redirects elsewhere .HTTP 302., which is not followed' proxied <<<"reply ${to}$PROXIED/x\""
	[ "$(stub_requests /x)" = 0 ]
	refused 'it redirects elsewhere' direct <<<"reply ${to}http://elsewhere.example/x\""
	for location in http://billing.team-a.svc.cluster.local:8001/x http://billing.team-b.svc.cluster.local:8000/x \
		https://billing.team-a.svc.cluster.local:8000/x file:///etc/passwd //169.254.169.254/latest \
		gopher://billing.team-a.svc.cluster.local:8000/x http://billing.team-a.svc.cluster.local:8000@evil/x; do
		refused '.*' direct <<<"reply ${to}$location\""
		[ "$(stub_requests)" = "GET $WELL application/json -" ]
	done
	refused 'it redirects elsewhere' direct <<<"reply ${to}\$TARGET\""
	[ "$(stub_requests)" = "$(yes "GET $WELL application/json -" | head -n 4)" ]
	rm -rf stub
	stub_start <<-'END'
		case $TARGET in
		/real/card?v=1) reply 200 '{"name":"billing"}' ;;
		*) reply 307 moved 'Location: http://u:p@BILLING.team-a.svc.cluster.local:8000/real/card?v=1#there' ;;
		esac
	END
	lone | direct >out
	[ "$(fetched out)" = 'ADDED team-a/billing-card-signed billing' ]
	[ "$(stub_requests '^GET /real/card\?v=1 application/json -$')" = 1 ]
}

@test "a name that leads to ourselves or to link-local addresses is not connected to" {
	serve billing.json
	lone | egress-fetch --via direct --cluster-domain localhost --service-port "$(cat stub/port)" >out 2>err
	grep -q 'its name leads to a loopback, link-local or multicast address, which is refused' err
	[ -z "$(fetched out)" ]
	[ ! -e stub/log ]
}

@test "what an agent says cannot write lines of its own, nor to a terminal" {
	stub_start <<-'END'
		reply 200 '{"name":"x\n{\"type\":\"DELETED\"}\u001b[31m"}'
	END
	lone | proxied >out
	jq -e . out >whole
	[ "$(wc -l <out)" = "$(($(lone | wc -l) + 1))" ]
	refused '.*HTTP 500' proxied <<<'status 500 "$(printf "a\\u001bb")"'
	run ! grep -q $'\x1b' err
}

@test "many agents are asked, no more at a time than --concurrency" {
	stub_start <<-END
		sleep 0.2
		echo >>$PWD/done
		reply 200 '$unsigned'
	END
	cat trust >many
	for i in {1..24}; do agentcard team-a "agent$i" | event ADDED >>many; done
	start proxied --concurrency 3
	world many >&7
	local most=0 now
	until has out 2 initial-events-end 2>/dev/null; do
		now=$(($(cat stub/log 2>/dev/null | wc -l) - $(cat done 2>/dev/null | wc -l)))
		[ "$now" -le "$most" ] || most=$now
		sleep 0.02
	done
	ends
	[ "$(fetched out | sort -u | wc -l)" = 24 ]
	[ "$(stub_requests "$WELL")" = 24 ]
	[ "$most" -le 3 ]
}

@test "it ends when nobody reads, when it is told to, and when the server is not configured" {
	serve billing.json
	mkfifo in
	{ proxied <in 2>err || echo $? >status; } 3>&- | head -n 1 >first &
	SERVER=$!
	exec 7>in
	lone >&7 || true # it may have gone by then
	wait "$SERVER"
	SERVER=
	exec 7>&-
	[ ! -e status ]
	rm in
	start proxied
	lone >&7
	await has out 2 initial-events-end
	kill "$FETCHER"
	ends
	run -3 --separate-stderr egress-fetch --kubeconfig missing </dev/null
	[ -n "$stderr" ]
}

@test "pipelines/enforce --fetch puts it between the first two stages" {
	serve billing.json
	mkdir bin
	lone >events
	printf '#!/bin/sh\nexec cat events\n' >bin/egress-watch
	printf '#!/bin/sh\nexec cat\n' >bin/egress-translate
	cp bin/egress-translate bin/egress-apply
	chmod +x bin/*
	export PATH=$PWD/bin:$PATH EGRESS_VERIFY_FLAGS='--trust-domain example.org'
	export EGRESS_FETCH_FLAGS="--kubeconfig stub/kubeconfig ${PATIENCE[*]}"
	"$BATS_TEST_DIRNAME/../pipelines/enforce" --fetch >out
	[ "$(verdicts <out | tail -n 1 | cut -d ' ' -f 3)" = Verified ]
	"$BATS_TEST_DIRNAME/../pipelines/enforce" >out
	[ "$(verdicts <out | tail -n 1 | cut -d ' ' -f 3)" = CardMissing ]
}

@test "wrong usage is said" {
	wrong() {
		local why=$1
		shift
		run -2 --separate-stderr egress-fetch "$@" </dev/null
		[[ $stderr = *"$why"* ]] || { echo "$stderr" && return 1; }
	}
	wrong 'neither a port' --service-port 'a/b'
	wrong 'neither a port' --service-port 65536
	wrong 'must be a number' --via direct --service-port web
	wrong 'not the name of a domain' --via direct --cluster-domain 'a/b'
	wrong 'must be HOST:PORT' --via direct --gateway 'x:1/y:2'
	wrong 'of --via direct' --gateway x:1
	wrong 'of --via direct' --trust-bundle bundle.json
	wrong 'of --via proxy' --via direct --context x
	wrong 'whom to trust' --via direct --https
	wrong 'go together' --via direct --svid x
	wrong 'Give --trust-domain' --via direct --trust-bundle x
	wrong 'lacks {namespace}' --via direct --trust-bundle x --trust-domain a --bind-template /x
	wrong 'not a whole number' --timeout 0
}

@test "--metrics counts what became of the questions" {
	serve billing.json
	lone | proxied --metrics metrics.prom >out
	grep -q '^egress_fetches_total{program="egress-fetch",result="fetched"} 1$' metrics.prom
	grep -q '^egress_agents{program="egress-fetch"} 1$' metrics.prom
}

@test "--service-port and --https are in the address of the proxy" {
	serve billing.json
	lone | proxied --https --service-port a2a >out
	[ "$(stub_requests "^GET /api/v1/namespaces/team-a/services/https:billing:a2a/proxy$WELL ")" = 1 ]
}

# An agent with TLS: s_server with a file for an answer.
serve_tls() { # CRT [s_server OPTION]...
	local name=$1
	shift
	mkdir -p site/.well-known
	{ printf 'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n' && cat billing.json; } >"site$WELL"
	(cd site && exec openssl s_server -accept 127.0.0.1:0 -HTTP -cert "../$name.crt" -key "../$name.key" "$@") \
		>server 2>&1 </dev/null 3>&- &
	SERVER=$!
	await has server 1 ^ACCEPT
	TLS_PORT=$(sed -n 's/^ACCEPT .*://p' server | head -n 1)
}

tls() {
	${RUN:-} egress-fetch --via direct --gateway "127.0.0.1:$TLS_PORT" --trust-domain example.org --trust-bundle bundle.json \
		"${PATIENCE[@]}" "$@"
}

@test "mutual TLS: an agent with its own SPIFFE ID is believed, and sees ours" {
	svid ours root spiffe://example.org/egress-fetch
	serve_tls billing -CAfile ../root.crt -Verify 2 -verify_return_error
	lone | tls --svid ours.crt --svid-key ours.key >out
	[ "$(egress-verify --trust-domain example.org <out | verdicts | tail -n 1)" = 'MODIFIED team-a/billing-card Verified' ]
	# without it, this agent does not answer
	lone | tls >out 2>err
	[ -z "$(fetched out)" ]
	grep -q 'cannot fetch its card' err
}

@test "mutual TLS: whom a card came from stands beside the ConfigMap, and counts with --accept-fetch mtls alone" {
	svid ours root spiffe://example.org/egress-fetch
	jq -c 'del(.signatures)' billing.json >plain.card && mv plain.card billing.json
	serve_tls billing -CAfile ../root.crt -Verify 2 -verify_return_error
	lone | tls --svid ours.crt --svid-key ours.key >out
	jq -se --argjson x5c "$(x5c billing.crt)" '[.[] | select(.attestation)][-1] | .object.kind == "ConfigMap" and (.object | has("attestation") | not)
		and .attestation.spiffeID == "spiffe://example.org/ns/team-a/sa/billing-sa" and .attestation.chain[:1] == $x5c
		and (.attestation.time | test("^[0-9-]+T[0-9:]+Z$"))' out
	[[ $(egress-verify --trust-domain example.org <out | verdicts | tail -n 1) == *' team-a/billing-card SignatureMissing' ]]
	egress-verify --trust-domain example.org --accept-fetch mtls <out >said
	jq -se '[.[] | select(.verification)][-1].verification | .verified and .source == "fetch"
		and .spiffeID == "spiffe://example.org/ns/team-a/sa/billing-sa" and (.anchor | length > 0)' said
}

@test "through the API server's proxy, and over plain HTTP, nobody is attested" {
	serve billing.json
	lone | proxied >out
	lone | direct >>out
	[ "$(fetched out | wc -l)" -eq 2 ]
	[ -z "$(jq -c 'select(.attestation)' out)" ]
}

# imposter CRT WHY [OPTION]...
imposter() {
	local crt=$1 why=$2
	shift 2
	serve_tls "$crt"
	lone | tls "$@" >out 2>err
	kill "$SERVER" && SERVER=
	[ -z "$(fetched out)" ]
	grep -qE "it is not who it should be: $why" err || { cat err && return 1; }
}

@test "TLS: another's SPIFFE ID, trust domain or authority, an ordinary certificate, and plain HTTP are refused" {
	imposter plain 'it is spiffe://example.org/ns/team-a/sa/default, not the workload'
	imposter federated 'spiffe://other.org/ns/team-a/sa/billing-sa is not of the trust domain example.org'
	ca rogue example.org
	svid forged rogue spiffe://example.org/ns/team-a/sa/billing-sa
	imposter forged 'x5c'
	issue web root $'keyUsage=critical,digitalSignature\nsubjectAltName=DNS:billing.team-a.svc.cluster.local'
	imposter web 'the leaf names 0 URIs'
	serve billing.json
	lone | egress-fetch --via direct --gateway "127.0.0.1:$(cat stub/port)" --trust-domain example.org \
		--trust-bundle bundle.json --timeout 2 >out 2>err
	[ -z "$(fetched out)" ]
}

@test "TLS: while the workload's service account is not known, the agent is not asked" {
	serve_tls billing
	world trust card | tls >out
	[ -z "$(fetched out)" ]
	start tls
	world trust card >&7
	await has out 2 initial-events-end
	cat workload >&7
	await has out 1 fetched-from
	ends
}

@test "TLS: the bundle and our SVID are read again when they change" {
	svid ours root spiffe://example.org/egress-fetch
	serve_tls billing -CAfile ../root.crt -Verify 2 -verify_return_error
	cp other.json bundle.json
	start tls --svid ours.crt --svid-key ours.key --min-period 1 --sync-period 1
	lone >&7
	await has err 1 'it is not who it should be'
	bundle root.crt >next && mv next bundle.json
	await has out 1 fetched-from
	ends
}
