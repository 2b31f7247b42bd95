# Where the API server is and who we are to it, as egress-watch finds out (and egress-apply, by the
# same code). What takes TLS is in cluster/watch.bats.

bats_require_minimum_version 1.5.0

setup() {
	load kubestub
	cd "$BATS_TEST_TMPDIR" || exit
	export HOME=$PWD/home
	unset KUBECONFIG KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT
	mkdir -p home
	export STUB=$PWD/stub
}

teardown() {
	stub_stop
}

# A kubeconfig for the stub with this user, or with other parts: config [USER [CLUSTER [CONTEXT]]]
config() {
	cat <<-END
		apiVersion: v1
		kind: Config
		current-context: here
		clusters: [{name: stub, cluster: {${2-server: "http://127.0.0.1:$(cat stub/port)"}}}]
		users: [{name: me, user: {$1}}]
		contexts: [{name: here, context: {${3-cluster: stub, user: me}}}]
	END
}

once() {
	run --separate-stderr egress-watch --once "$@"
	[ "$status" = 0 ] || { echo "status $status: $stderr" && return 1; }
}

# The Authorization of every request.
shown_as() {
	awk '{ print $NF }' stub/log | sort -u
}

refused() { # MESSAGE [OPTION]...
	local message=$1
	shift
	run -3 --separate-stderr egress-watch --once "$@"
	[ -z "$output" ]
	[ "$stderr" = "egress-watch: $message" ] || { echo "$stderr" && return 1; }
}

@test "a token is shown to the server" {
	stub_start <<<'empty'
	config 'token: s3cret' >config
	once --kubeconfig config
	[ "$(shown_as)" = Bearer_s3cret ]
}

@test "of a kubeconfig that systemd copied, messages name the file that the admin can change" {
	mkdir credentials
	echo '- no kubeconfig' >credentials/kubeconfig
	export CREDENTIALS_DIRECTORY=$PWD/credentials EGRESS_KUBECONFIG_NAME=/etc/egress/prod.watch.kubeconfig
	refused '/etc/egress/prod.watch.kubeconfig: not a kubeconfig: not a mapping' --kubeconfig "$PWD/credentials/kubeconfig"
	# a relative path stays relative to where the file is
	stub_start <<<'empty'
	echo beside >credentials/mine
	config 'tokenFile: mine' >credentials/kubeconfig
	once --kubeconfig "$PWD/credentials/kubeconfig"
	[ "$(shown_as)" = Bearer_beside ]
	# another file has its own name
	echo '- no kubeconfig' >other
	refused 'other: not a kubeconfig: not a mapping' --kubeconfig other
}

@test "a token file wins over a token, and a relative path is relative to the kubeconfig" {
	stub_start <<<'empty'
	mkdir -p etc/tokens
	echo from-file >etc/tokens/mine
	config 'token: s3cret, tokenFile: tokens/mine' >etc/config
	once --kubeconfig etc/config
	[ "$(shown_as)" = Bearer_from-file ]
}

@test "~/.kube/config is read when nothing else is said; KUBECONFIG wins over it, and --kubeconfig over both" {
	stub_start <<<'empty'
	mkdir home/.kube
	config 'token: home' >home/.kube/config
	config 'token: variable' >variable
	config 'token: option' >option
	once
	[ "$(shown_as)" = Bearer_home ]
	rm stub/log
	KUBECONFIG=variable once
	[ "$(shown_as)" = Bearer_variable ]
	rm stub/log
	KUBECONFIG=variable once --kubeconfig option
	[ "$(shown_as)" = Bearer_option ]
}

@test "the files of KUBECONFIG are merged: the first that names something wins, those missing are skipped" {
	stub_start <<<'empty'
	cat >first <<-'END'
		current-context: both
		users: [{name: me, user: {token: first}}]
		contexts: [{name: both, context: {cluster: far, user: me}}]
	END
	mkdir second
	echo second-token >second/token
	cat >second/config <<-END
		current-context: other
		clusters: [{name: far, cluster: {server: "http://127.0.0.1:$(cat stub/port)/"}}]
		users: [{name: me, user: {token: second}}, {name: you, user: {tokenFile: token}}]
		contexts: [{name: both, context: {cluster: nowhere}}, {name: other, context: {cluster: far, user: you}}]
	END
	: >empty
	export KUBECONFIG=missing:first:empty:second/config:
	once
	[ "$(shown_as)" = Bearer_first ]
	rm stub/log
	once --context other
	[ "$(shown_as)" = Bearer_second-token ]
}

@test "a context without a user is anonymous" {
	stub_start <<<'empty'
	config '' 'server: "http://127.0.0.1:'"$(cat stub/port)"'"' 'cluster: stub' >config
	once --kubeconfig config
	[ "$(shown_as)" = - ]
}

@test "a kubeconfig in JSON is read too" {
	stub_start <<<'empty'
	echo '{"current-context":"c","clusters":[{"name":"k","cluster":{"server":"http://127.0.0.1:'"$(cat stub/port)"'"}}],
		"users":[{"name":"u","user":{"token":"json"}}],"contexts":[{"name":"c","context":{"cluster":"k","user":"u"}}]}' >config
	once --kubeconfig config
	[ "$(shown_as)" = Bearer_json ]
}

@test "a user to act as is told to the server" {
	stub_start <<<'if [ "$IMPERSONATE" = auditor ]; then empty; else status 403 "as $IMPERSONATE"; fi'
	config 'token: t, as: auditor' >config
	once --kubeconfig config
}

@test "proxy-url is where requests go, and a token does not go over plain HTTP to another machine" {
	stub_start <<<'TARGET=/${TARGET#http://*/}; empty'
	config 'token: s3cret' "server: 'http://api.example:80', proxy-url: 'http://127.0.0.1:$(cat stub/port)'" >config
	run --separate-stderr egress-watch --once --kubeconfig config
	[[ $stderr = *'http://api.example:80 is not https: no token is sent there'* ]]
	[ "$(stub_requests '^GET http://api.example(:80)?/apis/agent')" -ge 1 ]
	[ "$(shown_as)" = - ]
}

plugin() { # writes one; the body of the script is the input
	{
		echo '#!/bin/bash'
		echo 'echo run >>runs'
		echo 'credential() { printf "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{%s}}" "$1"; }'
		cat
	} >plugin
	chmod +x plugin
	config "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: Never, args: [one, 'two words'], env: [{name: WHO, value: me}], installHint: get it somewhere${1-}}" >config
}

@test "an exec plugin gives the token: it runs once, with its arguments and environment, and is told what is wanted" {
	stub_start <<<'empty'
	plugin <<-'END'
		printf '%s\n' "$@" "$WHO" >arguments
		echo "$KUBERNETES_EXEC_INFO" >asked
		credential '"token":"from-plugin"'
	END
	once --kubeconfig config
	[ "$(shown_as)" = Bearer_from-plugin ]
	[ "$(cat arguments)" = $'one\ntwo words\nme' ]
	[ "$(jq -c '[.kind, .apiVersion, .spec]' asked)" = \
		'["ExecCredential","client.authentication.k8s.io/v1",{"interactive":false}]' ]
	[ "$(wc -l <runs)" = 1 ]
}

@test "an exec plugin that wants to know the cluster is told" {
	stub_start <<<'empty'
	plugin ', provideClusterInfo: true' <<-'END'
		echo "$KUBERNETES_EXEC_INFO" >asked
		credential '"token":"t"'
	END
	once --kubeconfig config
	[ "$(jq -r .spec.cluster.server asked)" = "http://127.0.0.1:$(cat stub/port)" ]
}

@test "after 401 the exec plugin runs again, once, and what it gives then is used" {
	stub_start <<<'if [ "$AUTHORIZATION" = "Bearer token-2" ]; then empty; else status 401 no; fi'
	plugin <<<'credential "\"token\":\"token-$(wc -l <runs)\",\"expirationTimestamp\":\"2099-01-01T00:00:00Z\""'
	once --kubeconfig config
	[ "$(wc -l <runs)" = 2 ]
}

@test "a token that is written down wins over an exec plugin" {
	stub_start <<<'empty'
	plugin ' }, token: written, unused: {' <<<'credential "\"token\":\"plugin\""'
	once --kubeconfig config
	[ "$(shown_as)" = Bearer_written ]
	[ ! -e runs ]
}

@test "an exec plugin that fails is named, with its hint and never with what it printed" {
	stub_start <<<'empty'
	origin='context "here" of config: exec plugin ./plugin'
	plugin <<<'echo s3cret; exit 7'
	refused "$origin: it ended with status 7; get it somewhere" --kubeconfig config
	plugin <<<'echo s3cret'
	refused "$origin: it did not print JSON; get it somewhere" --kubeconfig config
	plugin <<<'kill -9 $$'
	refused "$origin: it was ended by signal 9; get it somewhere" --kubeconfig config
	plugin <<<'credential ""'
	refused "$origin: it gave neither a token nor a certificate; get it somewhere" --kubeconfig config
	plugin <<<'credential "\"token\":\"s3cret\",\"expirationTimestamp\":\"tomorrow\""'
	refused "$origin: its expirationTimestamp is not a time; get it somewhere" --kubeconfig config
	plugin <<<'credential "\"token\":\"s3\\ncret\""'
	refused "$origin: its token holds a line break; get it somewhere" --kubeconfig config
	plugin <<<'credential "\"clientCertificateData\":\"x\""'
	refused "$origin: it gave a certificate or a key without the other; get it somewhere" --kubeconfig config
	plugin <<<'credential "\"token\":\"s3cret\"" | sed s/v1/v1beta1/'
	refused "$origin: it did not print an ExecCredential of the apiVersion asked for; get it somewhere" --kubeconfig config
	plugin <<<'head -c 2000000 /dev/zero'
	refused "$origin: its output is over 1 MiB; get it somewhere" --kubeconfig config
	rm plugin
	refused "$origin: No such file or directory; get it somewhere" --kubeconfig config
	[ ! -s stub/log ]
}

@test "what is missing or wrong is named with file and context, and no message quotes a secret" {
	stub_start <<<'empty'
	local server origin='context "here" of config'
	server="server: \"http://127.0.0.1:$(cat stub/port)\""
	config '' '' >config
	refused "$origin: the cluster has no server" --kubeconfig config
	config '' 'server: ftp://x' >config
	refused "$origin: the server must begin with https://" --kubeconfig config
	config '' 'server: "https://me:s3cret@x"' >config
	refused "$origin: the server's URL may not hold credentials, a query or spaces" --kubeconfig config
	config 'client-certificate: s3cret.pem' >config
	refused "$origin: the user has a client certificate but no client key" --kubeconfig config
	config 'client-key-data: czNjcmV0' >config
	refused "$origin: the user has a client key but no client certificate" --kubeconfig config
	config 'client-key-data: "s3cret!"' >config
	refused "$origin: client-key-data is not base64 of PEM" --kubeconfig config
	config 'client-certificate-data: czNjcmV0, client-key-data: czNjcmV0' >config
	refused "$origin: the client certificate is not PEM" --kubeconfig config
	config 'client-certificate: cert.pem, client-key: key.pem' >config
	refused "$origin: cannot read the client certificate cert.pem: No such file or directory" --kubeconfig config
	config 'tokenFile: none' >config
	refused "$origin: cannot read the token file none: No such file or directory" --kubeconfig config
	: >none
	refused "$origin: the token file none is empty" --kubeconfig config
	config 'token: "s3\ncret"' >config
	refused "$origin: the user's token holds a line break" --kubeconfig config
	config 'username: me, password: s3cret' >config
	refused "$origin: the user's username and password are not supported; use a token or a client certificate" --kubeconfig config
	config 'auth-provider: {name: gcp}' >config
	refused "$origin: the user's auth-provider is not supported; use an exec plugin" --kubeconfig config
	config 'exec: {apiVersion: client.authentication.k8s.io/v1}' >config
	refused "$origin: the user's exec has no command" --kubeconfig config
	config 'exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}' >config
	refused "$origin: the user's exec needs apiVersion client.authentication.k8s.io/v1 or v1beta1" --kubeconfig config
	config 'exec: {command: x, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}' >config
	refused "$origin: the user's exec wants a terminal (interactiveMode: Always), and this program has none" --kubeconfig config
	config '' "$server, certificate-authority-data: czNjcmV0" >config
	refused "$origin: the certificate authority holds no certificate" --kubeconfig config
	config '' "$server, certificate-authority: ca.pem" >config
	refused "$origin: cannot read the certificate authority ca.pem: No such file or directory" --kubeconfig config
	config '' "$server, insecure-skip-tls-verify: true, certificate-authority: ca.pem" >config
	refused "$origin: insecure-skip-tls-verify and a certificate-authority exclude each other" --kubeconfig config
	config '' "$server" 'user: me' >config
	refused "$origin: the context has no cluster" --kubeconfig config
	config '' "$server" 'cluster: far' >config
	refused "$origin: cluster \"far\" is not defined" --kubeconfig config
	config '' "$server" 'cluster: stub, user: you' >config
	refused "$origin: user \"you\" is not defined" --kubeconfig config
	config '' >config
	refused 'context "there" of config: context "there" is not defined' --kubeconfig config --context there
	sed -i /current-context/d config
	refused 'config: no current-context is set; choose one with --context' --kubeconfig config
	[ ! -s stub/log ]
}

@test "a file that is not a kubeconfig is named, with the line" {
	printf 'users:\n- token: s3cret\n  {\n' >config
	run -3 --separate-stderr egress-watch --once --kubeconfig config
	[[ $stderr = 'egress-watch: config: not YAML: line '[0-9]*': '* && $stderr != *s3cret* ]]
	echo '[]' >config
	refused 'config: not a kubeconfig: not a mapping' --kubeconfig config
	refused 'cannot read missing: No such file or directory' --kubeconfig missing
	head -c 5000000 /dev/zero | tr '\0' '#' >config
	refused 'cannot read config: Argument list too long' --kubeconfig config
}

@test "without any kubeconfig it says where it looked" {
	refused 'no kubeconfig: KUBECONFIG is not set, ~/.kube/config does not exist, and this is not a pod; give --kubeconfig FILE'
	export KUBECONFIG=a:b
	refused 'none of the files of KUBECONFIG exists: a:b'
}

@test "a pod without its service account's files is told which is missing" {
	[ ! -e /var/run/secrets/kubernetes.io/serviceaccount ] || skip "this is a pod, with a service account"
	export KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=443
	refused 'the service account in /var/run/secrets/kubernetes.io/serviceaccount: cannot read /var/run/secrets/kubernetes.io/serviceaccount/token: No such file or directory'
}

@test "an exec plugin that fails, or gives what is refused, is not run for each of many requests" {
	stub_start <<<'status 401 no'
	plugin <<-'END'
		[ "$(wc -l <runs)" -lt 2 ] || exit 3
		credential '"token":"s3cret","expirationTimestamp":"2020-01-01T00:00:00Z"'
	END
	egress-watch -v --kubeconfig config >events 2>messages 3>&- &
	local watcher=$! until=$((SECONDS + 120))
	until [ "$(grep -c 'trying again' messages)" -ge 24 ]; do
		[ $SECONDS -lt $until ]
		sleep 0.1
	done
	kill "$watcher"
	wait "$watcher"
	# ten seconds or more lie between two runs
	[ "$(wc -l <runs)" -le $((2 + SECONDS / 10)) ]
}

@test "HTTPS_PROXY and HTTP_PROXY are not for a server on this machine" {
	stub_start <<<'empty'
	config 'token: s3cret' >config
	http_proxy=http://127.0.0.1:1 HTTPS_PROXY=http://127.0.0.1:1 once --kubeconfig config
}

@test "a token does not go over plain HTTP to a proxy, whatever the server's address" {
	stub_start <<<'TARGET=/${TARGET#http://*/}; empty'
	config 'token: s3cret' "server: 'http://127.0.0.1:80', proxy-url: 'http://127.0.0.1:$(cat stub/port)'" >config
	once --kubeconfig config
	[ "$(shown_as)" = - ]
}

@test "a name that one file defines twice is refused, and says which" {
	stub_start <<<'empty'
	config 'token: s3cret}}, {name: me, user: {token: other' >config
	refused 'context "here" of config: user "me" is defined twice in config' --kubeconfig config
	config 'token: s3cret' "server: 'http://127.0.0.1:$(cat stub/port)'}}, {name: stub, cluster: {server: 'http://127.0.0.1:1'" >config
	refused 'context "here" of config: cluster "stub" is defined twice in config' --kubeconfig config
	[ ! -s stub/log ]
}

@test "YAML as others write it: a byte order mark, CRLF, anchors, merge keys, null members, True" {
	stub_start <<<'empty'
	{
		printf '\xef\xbb\xbf---\r\n'
		config '<<: [{as: nobody-else}, &me {token: merged, username: null, auth-provider: null, exec: null}]' \
			"server: \"http://127.0.0.1:$(cat stub/port)/\", insecure-skip-tls-verify: True" | sed 's/$/\r/'
	} >config
	once --kubeconfig config
	[ "$(shown_as)" = Bearer_merged ]
	[[ $stderr = *'insecure-skip-tls-verify is set'* ]]
	# a mapping that merges itself has an end
	config '<<: *me' | sed 's/user: {/user: \&me {/' >config
	once --kubeconfig config
	[ "$(shown_as | xargs)" = '- Bearer_merged' ]
}

@test "blanks around a token in a file are not part of it" {
	stub_start <<<'empty'
	printf '\n \ts3cret \r\n\n' >token
	config 'tokenFile: token' >config
	once --kubeconfig config
	[ "$(shown_as)" = Bearer_s3cret ]
}

@test "SIGHUP has a token file read again at once" {
	stub_start <<<'empty'
	echo first >token
	config "tokenFile: $PWD/token" >config
	mkfifo operations
	egress-apply --kubeconfig config --retry 0 <operations >results 2>messages &
	local pid=$!
	exec 8>operations
	tell() { # NAME
		echo '{"type":"DELETE","object":{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"namespace":"team","name":"'"$1"'"}}}' >&8
		for _ in $(seq 2400); do grep -q "\"$1\"" results && return; sleep 0.1; done
		cat results messages && return 1
	}
	tell one
	echo second >token
	kill -s HUP $pid
	tell two
	exec 8>&-
	wait $pid || true
	[ "$(awk '{ print $NF }' stub/log | uniq | xargs)" = 'Bearer_first Bearer_second' ]
	grep -qx 'egress-apply: asked to: token and certificate files are read again' messages
}

# without LIBRARY-FUNCTION DEFINITION [OPTION]...: egress-watch --once with this one in its place
without() {
	echo "$1" | cc -shared -fPIC -x c -o instead.so -
	shift
	LD_PRELOAD=$PWD/instead.so ASAN_OPTIONS=verify_asan_link_order=0 run --separate-stderr egress-watch --once "$@"
}

@test "a header that cannot be made ends the program: nothing is sent with more rights or none" {
	command -v cc >/dev/null || skip "no C compiler: apt-get install gcc"
	stub_start <<<'empty'
	config 'token: t, as: auditor' >config
	without 'void *curl_slist_append(void *list, const char *line) { (void)line; return (void)list, (void *)0; }' --kubeconfig config
	[ "$status" = 134 ]
	[[ $stderr = *'a header'* ]]
	[ ! -s stub/log ]
}

@test "an authority that curl does not take ends the program, before the system's would be trusted" {
	command -v cc >/dev/null || skip "no C compiler: apt-get install gcc"
	stub_start <<<'empty'
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key -subj /CN=ca -out ca.crt 2>/dev/null
	config 'token: t' "server: 'https://127.0.0.1:$(cat stub/port)', certificate-authority: ca.crt" >config
	without '
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdarg.h>
		int curl_easy_setopt(void *easy, int option, ...)
		{
			int (*real)(void *, int, ...) = dlsym(RTLD_NEXT, "curl_easy_setopt");
			va_list list;
			va_start(list, option);
			void *value = va_arg(list, void *);
			va_end(list);
			return option == 40309 ? 4 : real(easy, option, value);
		}' --kubeconfig config
	[ "$status" = 134 ]
	[[ $stderr = *CURLOPT_CAINFO_BLOB* ]]
}

@test "a tls-server-name that is none is said, and nothing is sent" {
	stub_start <<<'empty'
	config 'token: t' "server: 'http://127.0.0.1:$(cat stub/port)', tls-server-name: 'a b'" >config
	run -3 --separate-stderr egress-watch --once --kubeconfig config
	[[ $stderr = *"cannot be asked by its tls-server-name a b"* ]]
	[ ! -s stub/log ]
}
