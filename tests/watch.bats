# egress-watch against a pretended API server: what a real one does not do on demand.

bats_require_minimum_version 1.5.0

setup() {
	load kubestub
	cd "$BATS_TEST_TMPDIR" || exit
	export KUBECONFIG=$PWD/stub/kubeconfig HOME=$PWD
	WATCHER=
}

teardown() {
	[ -z "$WATCHER" ] || kill "$WATCHER" 2>/dev/null || true
	stub_stop
}

# What each event is, in brief.
brief() {
	jq -c '[.type, .object.kind, .object.metadata.name // (.object.metadata.annotations |
		if has("k8s.io/initial-events-end") then "end" else "begin" end)]'
}

# Events of AgentCards without marks.
cards() {
	jq -c 'select(.object.kind == "AgentCard" and .type != "BOOKMARK") |
		[.type, .object.metadata.name, .object.metadata.resourceVersion]' "$@"
}

# Watches until `events` has the text.
watch_until() { # TEXT [OPTION]...
	local text=$1
	shift
	egress-watch --watch-seconds 600 "$@" >events 2>messages 3>&- &
	WATCHER=$!
	await "$text" events
}

await() { # TEXT FILE
	local i
	for ((i = 0; i < 2400; i++)); do
		! grep -qF -- "$1" "$2" 2>/dev/null || return 0
		sleep 0.05
	done
	echo "no $1 in $2:" && cat "$2" messages
	return 1
}

@test "a paged list is read to its end, and every object is written once" {
	stub_start <<-'END'
		case $TARGET in
		*agentcards*sendInitialEvents*) status 400 "unknown parameter" ;;
		*agentcards*continue=next%2Fpage*) list 10 "" "$(object c 3)" ;;
		*agentcards*) list 10 next/page "$(object a 1)" "$(object b 2)" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once --page-size 2
	[ "$(cards <<<"$output")" = $'["ADDED","a","1"]\n["ADDED","b","2"]\n["ADDED","c","3"]' ]
	[ "$(stub_requests 'agentcards\?limit=2')" = 2 ]
}

@test "each kind's begin mark comes first, its end mark last, and the AgentCards' end mark last of all" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*) list 10 "" "$(object a 1)" ;;
		*deployments*) sleep 0.3; list 10 "" "$(object d 1)" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[ "$(tail -n 1 <<<"$output" | brief)" = '["BOOKMARK","AgentCard","end"]' ]
	local kind
	for kind in AgentCard Deployment StatefulSet Sandbox ConfigMap EndpointSlice NetworkPolicy; do
		jq -c 'select(.object.apiVersion | test("calico") | not)' <<<"$output" | brief | grep "\"$kind\"" >"$kind"
		[ "$(head -n 1 "$kind")" = "[\"BOOKMARK\",\"$kind\",\"begin\"]" ]
		[ "$(tail -n 1 "$kind")" = "[\"BOOKMARK\",\"$kind\",\"end\"]" ]
		[ "$(grep -c BOOKMARK "$kind")" = 2 ]
	done
	[ "$(wc -l <AgentCard)" = 3 ]
	[ "$(wc -l <Deployment)" = 3 ]
}

@test "a streaming list is taken where it is offered, and the watch goes on in it" {
	stub_start <<-'END'
		case $TARGET in
		*agentcards*sendInitialEvents*)
			chunked
			event ADDED "$(object a 1)"
			event ADDED "$(object b 2)"
			end_mark 7
			event MODIFIED "$(object b 8)"
			quiet ;;
		*) empty ;;
		esac
	END
	watch_until '"8"'
	# the change may come while the first event still waits for its reader, whose place it then takes
	[ "$(cards events | sort | sed '/"b","2"/d')" = $'["ADDED","a","1"]\n["MODIFIED","b","8"]' ]
	[ "$(stub_requests '/agentcards\?')" = 1 ]
}

@test "a server that ignores the parameters of a streaming list is listed instead" {
	stub_start <<-'END'
		case $TARGET in
		*agentcards*sendInitialEvents*) chunked; event ADDED "$(object a 1)"; last ;;
		*agentcards*limit=*) list 10 "" "$(object a 1)" "$(object b 2)" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[ "$(cards <<<"$output")" = $'["ADDED","a","1"]\n["ADDED","b","2"]' ]
}

@test "a continue token that expires leads to one whole list, and nothing is lost or written twice" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*continue=*) status 410 "The provided continue parameter is too old" ;;
		*agentcards*limit=0*) list 12 "" "$(object a 1)" "$(object b 2)" "$(object c 3)" ;;
		*agentcards*) list 10 next "$(object a 1)" "$(object b 2)" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[ "$(cards <<<"$output")" = $'["ADDED","a","1"]\n["ADDED","b","2"]\n["ADDED","c","3"]' ]
}

@test "a whole list that is 410 too is not asked for without a pause" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*continue=* | *agentcards*limit=0*) status 410 "too old" ;;
		*agentcards*) list 10 next "$(object a 1)" ;;
		*) empty ;;
		esac
	END
	run -3 --separate-stderr egress-watch --once
	[[ $stderr = *'cannot list agentcards'*'too old'* ]]
	[ "$(stub_requests 'agentcards\?limit=0')" = 1 ]
}

@test "after 410 the kind is listed again: DELETED for what is gone, MODIFIED for what changed, nothing for the rest" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*watch=1*resourceVersion=10*) chunked
			event ERROR '{"kind":"Status","code":410,"reason":"Expired"}'; last ;;
		*agentcards*watch=1*) chunked; quiet ;;
		*agentcards*) if [ "$N" = 0 ]; then
				list 10 "" "$(object gone 1)" "$(object same 2)" "$(object other 3)"
			else list 20 "" "$(object same 2)" "$(object other 13)" "$(object new 14)"; fi ;;
		*) empty ;;
		esac
	END
	watch_until '"gone"}' 
	await DELETED events
	[ "$(cards events | tail -n +4 | sort)" = \
		$'["ADDED","new","14"]\n["DELETED","gone",null]\n["MODIFIED","other","13"]' ]
	await 'resourceVersion=20' stub/log
}

@test "an ERROR event that is not 410 is reported, and the kind is listed again" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*watch=1*resourceVersion=10*) chunked
			event ERROR '{"kind":"Status","code":500,"message":"etcd is away"}'; last ;;
		*agentcards*watch=1*) chunked; quiet ;;
		*agentcards*) if [ "$N" = 0 ]; then list 10 ""; else list 20 "" "$(object late 15)"; fi ;;
		*) empty ;;
		esac
	END
	watch_until '"late"'
	grep -q 'cannot watch agentcards.*: the server ended the watch with an error' messages
}

@test "a watch resumes where it ended, from the last event or bookmark" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*watch=1*resourceVersion=10*) chunked; event ADDED "$(object a 11)"; last ;;
		*agentcards*watch=1*resourceVersion=11*) chunked
			event BOOKMARK '{"metadata":{"resourceVersion":"30"}}'; last ;;
		*agentcards*watch=1*resourceVersion=30*) chunked; event DELETED "$(object a 31)"; quiet ;;
		*) empty ;;
		esac
	END
	watch_until DELETED
	[ "$(cards events)" = $'["ADDED","a","11"]\n["DELETED","a","31"]' ]
	[ "$(stub_requests 'agentcards\?limit')" = 1 ]
}

@test "a connection that is open and silent is given up when its time is over" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*watch=1*) if [ "$N" = 0 ]; then quiet; fi
			chunked; event ADDED "$(object late 11)"; quiet ;;
		*) empty ;;
		esac
	END
	watch_until '"late"' --watch-seconds 1
}

@test "of an event that is cut off nothing is written; it comes whole when the watch resumes" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*watch=1*resourceVersion=10*) chunked
			event ADDED "$(object a 11)"; printf '40\r\n{"type":"ADDED","object":{"meta' ;;
		*agentcards*watch=1*resourceVersion=11*) chunked; event ADDED "$(object b 12)"; quiet ;;
		*) empty ;;
		esac
	END
	watch_until '"b"'
	jq . events >whole
	[ "$(cards events)" = $'["ADDED","a","11"]\n["ADDED","b","12"]' ]
}

@test "a list that is cut off deletes nothing" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*watch=1*resourceVersion=10*) chunked
			event ERROR '{"kind":"Status","code":410}'; last ;;
		*agentcards*watch=1*) chunked; quiet ;;
		*agentcards*) case $N in
			0) list 10 "" "$(object a 1)" "$(object b 2)" ;;
			1) chunked; chunk '{"metadata":{"resourceVersion":"11"},"items":['; last ;;
			2) reply 200 '{"metadata":{"resourceVersion":"11"}}' ;;
			3) reply 200 '{"metadata":{},"items":[]}' ;;
			*) list 20 "" "$(object a 1)" "$(object b 2)" "$(object c 12)" ;;
			esac ;;
		*) empty ;;
		esac
	END
	watch_until '"c"'
	[ "$(cards events)" = $'["ADDED","a","1"]\n["ADDED","b","2"]\n["ADDED","c","12"]' ]
	grep -q 'the list is not JSON or was cut off' messages
	grep -q 'the response is not a list' messages
}

@test "429 with Retry-After is waited for, and then all is well" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*limit*) if [ "$N" -lt 2 ]; then status 429 "too many requests" "Retry-After: 1"
			else list 10 "" "$(object a 1)"; fi ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once -v
	[ "$(cards <<<"$output")" = '["ADDED","a","1"]' ]
	[[ $stderr = *'cannot list agentcards.agent.kagenti.dev in all namespaces: HTTP 429: too many requests'* ]]
	[[ $stderr =~ 'trying again in '([0-9]+)' ms' ]]
	[ "${BASH_REMATCH[1]}" -ge 1000 ]
}

@test "401 re-reads a rotated token once" {
	echo old >token
	stub_start <<-'END'
		case $AUTHORIZATION in
		'Bearer old') echo new >token.$$; mv token.$$ token; status 401 Unauthorized ;;
		'Bearer new') case $TARGET in
			*sendInitialEvents*) status 400 no ;;
			*agentcards*) list 10 "" "$(object a 1)" ;;
			*) empty ;;
			esac ;;
		esac
	END
	sed -i "s|token: s3cret-token|tokenFile: $PWD/token|" "$KUBECONFIG"
	run -0 --separate-stderr egress-watch --once
	[ "$(cards <<<"$output")" = '["ADDED","a","1"]' ]
	[ "$(stub_requests 'agentcards.*Bearer_old')" -le 1 ]
}

@test "401 for a token that does not change ends --once with 3, after one request, and no message holds the token" {
	stub_start <<<'status 401 Unauthorized'
	run -3 --separate-stderr egress-watch --once -v
	[ "$(stub_requests '/(statefulsets|agentcards)\?')" = 1 ]
	[[ $stderr = *'HTTP 401: Unauthorized'* ]]
	[[ $stderr$output != *s3cret* ]]
	[ "$(stub_requests 'Bearer_s3cret-token')" -ge 1 ]
}

@test "a body that comes byte by byte is read" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*) list 10 "" "$(object a 1)" | while IFS= read -r -N 1 c; do printf %s "$c"; sleep 0.001; done ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[ "$(cards <<<"$output")" = '["ADDED","a","1"]' ]
}

@test "garbage is reported and is no list" {
	stub_start <<-'END'
		case $TARGET in
		*agentcards*) reply 200 '<html>welcome</html>' ;;
		*) empty ;;
		esac
	END
	run -3 --separate-stderr egress-watch --once
	[ "$(cards <<<"$output")" = '' ]
	[[ $output != *'"AgentCard","metadata":{"annotations":{"k8s.io/initial-events-end"'* ]]
	[[ $stderr = *'cannot '*' agentcards.agent.kagenti.dev in all namespaces: '* ]]
}

@test "a redirect is not followed, so the token does not travel" {
	stub_start <<-'END'
		case $TARGET in
		/elsewhere*) empty ;;
		*agentcards*) status 302 moved "Location: http://127.0.0.1:$(cat "$STUB/port")/elsewhere" ;;
		*) empty ;;
		esac
	END
	run -3 --separate-stderr egress-watch --once
	[[ $stderr = *'the server redirects elsewhere (HTTP 302), which is never followed'* ]]
	[ "$(stub_requests elsewhere)" = 0 ]
}

@test "an object of 5 MiB passes; one of over 16 MiB does not, and is not kept in memory whole" {
	stub_start <<-'END'
		large() { printf '{"metadata":{"name":"%s","namespace":"team","resourceVersion":"1"},"x":"' "$1"
			head -c "$2" /dev/zero | tr '\0' x; printf '"}'; }
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*) printf 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"metadata":{"resourceVersion":"9"},"items":['
			large five 5242880; printf ,; large twenty 20971520; printf ']}' ;;
		*) empty ;;
		esac
	END
	run -3 --separate-stderr bash -o pipefail -c 'egress-watch --once | cut -c 1-200'
	[[ $output = *'"name":"five"'* ]]
	[[ $output != *'"name":"twenty"'* ]]
	[[ $stderr = *'an object is over 16 MiB'* ]]
}

@test "an object that cannot be read is skipped, kept in the rejects file, and does not hide the others" {
	stub_start <<-'END'
		deep() { printf "%0.s[" {1..600}; printf "%0.s]" {1..600}; }
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*) list 10 "" "$(object a 1)" "$(object deep 2 "\"spec\":$(deep)")" "$(object c 3)" ;;
		*) empty ;;
		esac
	END
	run -1 --separate-stderr egress-watch --once --rejects rejects
	[ "$(cards <<<"$output")" = $'["ADDED","a","1"]\n["ADDED","c","3"]' ]
	[[ $stderr = *'agentcards: an object of '*' bytes was skipped: '* ]]
	grep -q '^{"metadata":{"name":"deep".*]}$' rejects
	[ "$(stat -c %a rejects)" = 600 ]
	# the stages behind learn that they do not see all there is, before they learn of the end
	[ "$(jq -r 'select(.type == "ERROR").object | "\(.reason) \(.details.apiVersion) \(.details.kind) \(.details.name)"' <<<"$output")" = \
		'RecordRejected agent.kagenti.dev/v1alpha1 AgentCard deep' ]
	[ "$(jq -r .type <<<"$output" | tail -n 1)" = BOOKMARK ]
}

@test "after a list with an object that cannot be read, nothing counts as deleted" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*watch=1*resourceVersion=10*) chunked
			event ERROR '{"kind":"Status","code":410}'; last ;;
		*agentcards*watch=1*) chunked; quiet ;;
		*agentcards*) if [ "$N" = 0 ]; then list 10 "" "$(object a 1)" "$(object b 2)"
			else list 20 "" '{"metadata":{"name":"a","name":"b"}}' "$(object c 3)"; fi ;;
		*) empty ;;
		esac
	END
	watch_until '"c"'
	await 'resourceVersion=20' stub/log
	[ "$(cards events)" = $'["ADDED","a","1"]\n["ADDED","b","2"]\n["ADDED","c","3"]' ]
}

@test "ConfigMaps are listed without their contents; only those that matter are read, by name" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*/spire-system/configmaps/spire-bundle) reply 200 \
			'{"metadata":{"name":"spire-bundle","namespace":"spire-system","resourceVersion":"4"},"data":{"bundle.spiffe":"{}"}}' ;;
		*/spire-system/configmaps*) list 10 "" '{"metadata":{"name":"spire-bundle","namespace":"spire-system","resourceVersion":"4"}}' ;;
		*/configmaps/weather-card-signed) reply 200 "$(object weather-card-signed 2 '"data":{"agent-card.json":"{}"}')" ;;
		*/configmaps/*) status 500 "must not be asked for" ;;
		*/configmaps*) list 10 "" "$(object secret 1)" "$(object weather-card-signed 2)" "$(object card-signed-not 3)" "$(object nobody-card-signed 4)" ;;
		*agentcards*) list 10 "" "$(object c 1 '"spec":{"targetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"weather"}}')" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[ "$(jq -r 'select(.object.kind == "ConfigMap" and .type == "ADDED").object |
		"\(.metadata.namespace)/\(.metadata.name) \(.data | keys[0])"' <<<"$output" | sort)" = \
		$'spire-system/spire-bundle bundle.spiffe\nteam/weather-card-signed agent-card.json' ]
	[ "$(stub_requests 'configmaps/')" = 2 ]
	# Every other request about ConfigMaps asked for metadata only.
	[ "$(stub_requests 'configmaps[? ]')" = "$(stub_requests 'configmaps[? ].*as=PartialObjectMetadata')" ]
	[ "$(stub_requests 'configmaps\?.*fieldSelector=metadata.name%3Dspire-bundle')" -ge 1 ]
}

@test "a ConfigMap that changes is read again; one that is gone when it is read is no event" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*/configmaps/a-card-signed) reply 200 "$(object a-card-signed "$((11 + N))" "\"data\":{\"n\":\"$N\"}")" ;;
		*/configmaps/gone-card-signed) status 404 "not found" ;;
		/api/v1/configmaps*watch=1*)
			reads() { until [ "$(grep -c 'configmaps/a-card-signed ' "$STUB/log")" = "$1" ]; do sleep 0.05; done; }
			chunked; reads 1; event MODIFIED "$(object a-card-signed 12)"
			reads 2; event DELETED "$(object a-card-signed 13)"; quiet ;;
		/api/v1/configmaps*) list 11 "" "$(object a-card-signed 11)" "$(object gone-card-signed 9)" ;;
		*agentcards*watch=1*) chunked; quiet ;;
		*agentcards*) list 10 "" "$(object a 1 '"spec":{"targetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"a"}}')" \
			"$(object g 1 '"spec":{"targetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"gone"}}')" ;;
		*) empty ;;
		esac
	END
	watch_until DELETED
	run -0 jq -c 'select(.object.kind == "ConfigMap" and .type != "BOOKMARK") | [.type, .object.metadata.name]' events
	[[ $output != *gone* ]]
	[[ $output = '["ADDED","a-card-signed"]'*'["DELETED","a-card-signed"]' ]]
	await '"k8s.io/initial-events-end"' events
}

@test "a signed card that no card asks for any more is gone to the stages behind, and comes again when one asks" {
	stub_start <<-'END'
		asks() { object "$1" "$2" '"spec":{"targetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"a"}}'; }
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*/configmaps/a-card-signed) reply 200 "$(object a-card-signed 9 "\"data\":{\"n\":\"$N\"}")" ;;
		/api/v1/configmaps*watch=1*) chunked; quiet ;;
		/api/v1/configmaps*) list 11 "" "$(object a-card-signed 9)" ;;
		*agentcards*watch=1*)
			written() { until grep -qF "$1" "$STUB/../events"; do sleep 0.05; done; }
			chunked; written '"n":"0"'; event DELETED "$(asks one 11)"
			written '{"type":"DELETED","object":{"apiVersion":"v1"'; event ADDED "$(asks two 12)"; quiet ;;
		*agentcards*) list 10 "" "$(asks one 1)" ;;
		*) empty ;;
		esac
	END
	watch_until '"n":"1"'
	run -0 jq -c 'select(.object.kind == "ConfigMap" and .type != "BOOKMARK") | [.type, .object.metadata.name]' events
	[ "$output" = '["ADDED","a-card-signed"]
["DELETED","a-card-signed"]
["ADDED","a-card-signed"]' ]
}

@test "of a workload only its identity, owners, labels, selectors and what of its template policies depend on are written" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*deployments*) list 10 "" '{"metadata":{"name":"d","namespace":"team","uid":"u","resourceVersion":"1","labels":{"l":"1"},"annotations":{"a":"hunter2"},"ownerReferences":[{"apiVersion":"v1","kind":"K","name":"o","uid":"x","controller":true}],"managedFields":[{"x":1}]},"spec":{"replicas":3,"selector":{"matchLabels":{"app":"d"}},"template":{"metadata":{"labels":{"app":"d"},"annotations":{"b":"hunter2"}},"spec":{"serviceAccountName":"sa","initContainers":[{"args":["hunter2"]}],"containers":[{"env":[{"name":"P","value":"hunter2"}]},{"name":"b","ports":[{"name":"web","containerPort":8080,"hostPort":1,"protocol":"TCP"},{"containerPort":9}]}]}}},"status":{"replicas":3}}' \
			'{"metadata":{"name":"h","namespace":"team","resourceVersion":"2"},"spec":{"template":{"spec":{"hostNetwork":true}}}}' ;;
		*agentcards*) list 10 "" '{"metadata":{"name":"c","namespace":"team","resourceVersion":"1","managedFields":[{"x":1}],"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"x","keep":"1"}},"spec":{"n":9007199254740993,"f":1.0}}' ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[ "$(jq -c 'select(.object.metadata.name == "d")' <<<"$output")" = \
		'{"type":"ADDED","object":{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","namespace":"team","uid":"u","labels":{"l":"1"},"resourceVersion":"1","ownerReferences":[{"apiVersion":"v1","kind":"K","name":"o","uid":"x","controller":true}]},"spec":{"selector":{"matchLabels":{"app":"d"}},"template":{"metadata":{"labels":{"app":"d"}},"spec":{"serviceAccountName":"sa","hostNetwork":false,"containers":[{"name":"b","ports":[{"name":"web","containerPort":8080,"protocol":"TCP"},{"containerPort":9}]}]}}}}}' ]
	[ "$(jq -c 'select(.object.metadata.name == "h").object.spec.template.spec' <<<"$output")" = '{"hostNetwork":true,"containers":[]}' ]
	[[ $output = *'"annotations":{"keep":"1"}},"spec":{"n":9007199254740993,"f":1.0}}}'* ]]
	[[ $output != *hunter2* && $output != *managedFields* ]]
	run -0 --separate-stderr egress-watch --once --full
	[[ $output = *hunter2* && $output != *managedFields* ]]
}

@test "sandboxes are watched where the API exists, in the version that the server prefers" {
	stub_start <<-'END'
		case $TARGET in
		/apis) groups agents.x-k8s.io/v1beta1 ;;
		*sendInitialEvents*) status 400 no ;;
		/apis/agents.x-k8s.io/v1beta1/sandboxes*) list 10 "" "{\"metadata\":{\"name\":\"box\",\"namespace\":\"team\",\"resourceVersion\":\"1\",\"labels\":{\"kagenti.io/type\":\"agent\"}},\"spec\":{\"podTemplate\":{\"metadata\":{\"labels\":{\"app\":\"box\"}},\"spec\":{\"serviceAccountName\":\"sb\",\"env\":\"hunter2\"}}},\"status\":{\"selector\":\"a=b\",\"replicas\":1}}" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[ "$(jq -c 'select(.object.metadata.name == "box").object | [.apiVersion, .kind, .spec, .status]' <<<"$output")" = \
		'["agents.x-k8s.io/v1beta1","Sandbox",{"podTemplate":{"metadata":{"labels":{"app":"box"}},"spec":{"serviceAccountName":"sb","hostNetwork":false,"containers":[]}}},{"selector":"a=b"}]' ]
}

@test "the API server's addresses come from its EndpointSlice, and from Endpoints where there is none" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*/discovery.k8s.io/v1/namespaces/default/endpointslices*) [ -e "$STUB/old" ] && status 404 no ||
			list 10 "" "$(object kubernetes 1)" ;;
		*/namespaces/default/endpoints?*) list 10 "" "$(object kubernetes 1)" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[[ $(brief <<<"$output") = *'["ADDED","EndpointSlice","kubernetes"]'* ]]
	[ "$(stub_requests 'endpointslices\?.*labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes')" -ge 1 ]
	touch stub/old
	run -0 --separate-stderr egress-watch --once
	[[ $(brief <<<"$output") = *'["ADDED","Endpoints","kubernetes"]'* ]]
	[[ $(brief <<<"$output") != *EndpointSlice* ]]
}

@test "without the AgentCards' definition it says so and waits; the world is known once it is there" {
	stub_start <<-'END'
		case $TARGET in
		*agentcards*) if [ ! -e "$STUB/installed" ]; then status 404 "not found"
			elif streaming; then status 400 no
			elif watching; then chunked; quiet
			else list 10 "" "$(object a 1)"; fi ;;
		*) empty ;;
		esac
	END
	watch_until '"kind":"NetworkPolicy"'
	await 'is its CustomResourceDefinition installed?' messages
	run -0 brief <events
	[[ $output != *AgentCard* ]]
	touch stub/installed
	await '"kind":"AgentCard","metadata":{"annotations":{"k8s.io/initial-events-end"' events
}

@test "403 names the right that is missing, and --once ends with 3" {
	stub_start <<-'END'
		case $TARGET in
		*networkpolicies*) status 403 "User x cannot list resource" ;;
		*) empty ;;
		esac
	END
	run -3 --separate-stderr egress-watch --once
	[[ $stderr = *'cannot list networkpolicies.networking.k8s.io in all namespaces: HTTP 403'* ]]
	[[ $stderr = *'a ClusterRole must grant the verb list'*'on networkpolicies in apiGroup "networking.k8s.io"'* ]]
}

@test "--namespace limits every list to those namespaces, the trust bundle's and the API server's" {
	stub_start <<<'empty'
	run -0 --separate-stderr egress-watch --once -n red --namespace=blue --trust-bundle-configmap trust/roots
	run -0 bash -c "grep -o '/namespaces/[a-z-]*/[a-z]*' stub/log | sort -u"
	[ "$output" = '/namespaces/blue/agentcards
/namespaces/blue/configmaps
/namespaces/blue/deployments
/namespaces/blue/networkpolicies
/namespaces/blue/statefulsets
/namespaces/default/endpointslices
/namespaces/red/agentcards
/namespaces/red/configmaps
/namespaces/red/deployments
/namespaces/red/networkpolicies
/namespaces/red/statefulsets
/namespaces/trust/configmaps' ]
	[ "$(stub_requests '/namespaces/')" = "$(grep '/api' stub/log | grep -cvE '/api/v1/namespaces\?|/apis |/customresourcedefinitions/')" ]
}

# what of ClusterTrustBundles an event log on stdin tells
clustertrustbundles() {
	jq -r 'select(.object.kind == "ClusterTrustBundle") | [.type, .object.apiVersion, .object.metadata.name // "", .object.spec.trustBundle // ""] | join(" ")' | sort
}

@test "a ClusterTrustBundle is listed by its name when it is asked for, in the version that is served" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		/apis) groups certificates.k8s.io/v1beta1 ;;
		*v1beta1/clustertrustbundles*) list 10 "" '{"metadata":{"name":"example.org:spire:roots","resourceVersion":"4"},"spec":{"signerName":"example.org/spire","trustBundle":"PEM"}}' ;;
		*/clustertrustbundles*) status 404 "not found" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once -n red --trust-bundle-clustertrustbundle example.org:spire:roots
	[ "$(clustertrustbundles <<<"$output")" = 'ADDED certificates.k8s.io/v1beta1 example.org:spire:roots PEM
BOOKMARK certificates.k8s.io/v1beta1  
BOOKMARK certificates.k8s.io/v1beta1  ' ]
	[ "$(stub_requests '/apis/certificates.k8s.io/v1beta1/clustertrustbundles\?.*fieldSelector=metadata.name%3Dexample.org%3Aspire%3Aroots')" -ge 1 ]
	[ "$(stub_requests 'certificates.k8s.io/v1/')" = 0 ]
	jq -sr '[.[] | .object | select(.kind == "ClusterTrustBundle" or .kind == "AgentCard")][-1].kind' <<<"$output" | grep -qx AgentCard
}

@test "ClusterTrustBundles are not listed unless asked for, and several are" {
	stub_start <<<'empty'
	run -0 --separate-stderr egress-watch --once
	[ "$(stub_requests clustertrustbundles)" = 0 ]
	run -0 --separate-stderr egress-watch --once --trust-bundle-clustertrustbundle a --trust-bundle-clustertrustbundle b:c
	[ "$(grep -oE 'clustertrustbundles.*fieldSelector=metadata.name%3D[^& ]*' stub/log | sed 's/.*%3D//' | sort -u | xargs)" = 'a b%3Ac' ]
	for name in '' A a/b 'a b' "a'"; do
		run -2 egress-watch --once --trust-bundle-clustertrustbundle "$name"
		[[ $output == *"--trust-bundle-clustertrustbundle $name: not the name of a ClusterTrustBundle"* ]]
	done
}

@test "without the API of a ClusterTrustBundle that is asked for, nothing is decided, and it is said" {
	stub_start <<-'END'
		case $TARGET in
		/apis) groups apps/v1 ;;
		*clustertrustbundles*) status 404 "not found" ;;
		*) empty ;;
		esac
	END
	run -3 --separate-stderr timeout 120 egress-watch --once --trust-bundle-clustertrustbundle roots
	[[ $stderr == *clustertrustbundles.certificates.k8s.io* ]]
	[[ $output != *'"kind":"AgentCard","metadata":{"annotations":{"k8s.io/initial-events-end"'* ]]
}

@test "--names rossoctl asks for that operator's cards and labels" {
	stub_start <<<'empty'
	run -0 --separate-stderr egress-watch --once --names rossoctl
	[ "$(stub_requests '/apis/agent.rossoctl.dev/v1alpha1/agentcards\?limit')" = 1 ]
	[ "$(stub_requests 'deployments\?limit.*labelSelector=rossoctl.io%2Ftype%3Dagent')" = 1 ]
	[ "$(stub_requests kagenti)" = 0 ]
}

# The pipe and the sockets hold some; what waits inside is the newest event.
@test "while nobody reads, events of one object collapse to the newest" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*watch=1*resourceVersion=10*) printf 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'
			awk -v pad="$(head -c 10000 /dev/zero | tr '\0' x)" 'BEGIN { for (i = 11; i <= 6010; i++)
					printf "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"a\",\"namespace\":\"team\",\"resourceVersion\":\"%d\"},\"pad\":\"%s\"}}\n", i, pad }'
			touch "$STUB/sent"; quiet ;;
		*agentcards*watch=1*) chunked; quiet ;;
		*) empty ;;
		esac
	END
	mkfifo out
	exec 5<>out # the writer is not held up by the opening
	egress-watch >out 2>messages 3>&- 5>&- &
	WATCHER=$!
	local i
	for ((i = 0; i < 2400; i++)); do
		[ ! -e stub/sent ] || break
		sleep 0.05
	done
	[ -e stub/sent ]
	while IFS= read -r -t 120 line <&5; do
		echo "${line:0:200}" >>events
		[[ $line != *'"resourceVersion":"6010"'* ]] || break
	done
	exec 5>&-
	[ "$(grep -c MODIFIED events)" -lt 3000 ]
	[[ $(tail -n 1 events) = *6010* ]]
}

@test "a reader that goes away ends it quietly" {
	stub_start <<<'empty'
	run -0 --separate-stderr bash -o pipefail -c 'egress-watch | head -n 1'
	[ -z "$stderr" ]
}

@test "SIGTERM ends it with 0" {
	stub_start <<<'empty'
	watch_until '"kind":"AgentCard","metadata":{"annotations":{"k8s.io/initial-events-end"'
	kill "$WATCHER"
	wait "$WATCHER"
	WATCHER=
	[ ! -s messages ]
}

@test "a server that is not there ends --once with 3, and it is said once where it was looked for" {
	stub_start <<<'empty'
	stub_stop
	run -3 --separate-stderr egress-watch --once
	[ -z "$output" ]
	[ "$(grep -c 'cannot talk to http://127.0.0.1:' <<<"$stderr")" = 1 ]
}

@test "what is not the name of a namespace is wrong usage" {
	stub_start <<<'empty'
	run -2 egress-watch --once -n 'a/b'
	run -2 egress-watch --once -n '..'
	run -2 egress-watch --once --trust-bundle-configmap roots
	run -2 egress-watch --once --leader-elect ../x
	run -2 egress-watch --once surplus
	[ ! -s stub/log ]
}

@test "a Lease that another took ends it with 3, and one that nobody holds is taken" {
	stub_start <<-'END'
		lease() { reply 200 "{\"metadata\":{\"name\":\"l\",\"namespace\":\"ns\",\"resourceVersion\":\"$((N + 3))\"},\"spec\":{\"holderIdentity\":\"$1\",\"leaseDurationSeconds\":99999999999999999,\"renewTime\":\"2020-01-01T00:00:00.000000Z\"}}"; }
		case "$METHOD $TARGET" in
		*leases/l) if [ "$METHOD$N" = GET0 ]; then lease ""; elif [ "$METHOD" = GET ]; then lease other; else lease me; fi ;;
		*) empty ;;
		esac
	END
	run -3 --separate-stderr egress-watch --leader-elect ns/l
	[[ $stderr = *' holds the lease ns/l'*'the lease ns/l is lost: '* ]]
}
