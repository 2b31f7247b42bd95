# What pipelines/migrate makes of what the cluster has: the operator's flags, and each agent before and after.

# What somebody else wrote, on a terminal: in its line.
def line: tostring | gsub("[[:cntrl:]]+"; " ");

# --- the operator -----------------------------------------------------------------------------------------

# The words that a container is started with. A shell's script is one argument of several.
def arguments: [(.spec.template.spec // .spec // {}) | (.containers // [])[] | ((.command // []) + (.args // []))[]
	| splits("[[:space:]]+") | select(. != "")];

# flag(NAME): its last value among these words; "" where it stands alone, null where it is not there. Go takes
# one dash or two, and the value behind "=" or, of what is no switch, in the next word.
def flag($name): . as $words
	| reduce range(length) as $i (null;
		($words[$i] | capture("^--?(?<name>[^=]+)(=(?<value>.*))?$") // {}) as $word
		| if $word.name != $name then . elif $word.value then $word.value
		  elif ($words[$i + 1] // "-" | startswith("-")) then "" else $words[$i + 1] end);

# A switch is on unless it surely is off: also where its value is a variable, or it stands in another word.
def off: IN("false", "False", "FALSE", "f", "F", "0");
def switch($name; $default):
	if any(.[]; contains($name)) then any(.[]; contains($name) and (sub("^--?" + $name + "="; "") | off | not)) else $default end;

def is_operator: arguments | any(.[]; test("^--?(enforce-network-policies|require-a2a-signature|enable-verified-fetch|spire-trust-bundle-configmap)(=|$)"));
def enforces: (.spec.replicas // 1) > 0 and (.status.phase // "" | IN("Succeeded", "Failed") | not)
	and (arguments | switch("enforce-network-policies"; false));
def named: "\(.kind // "Deployment") \(.metadata.namespace)/\(.metadata.name)";

# Words that may stand in a list of options, and in quotes of a shell.
def plain: . != null and test("^[A-Za-z0-9._:/-]+$");

# Of its Deployments, our options.
def environment_value($name): [(.spec.template.spec.containers // [])[].env[]? | select(.name == $name).value] | first;
def our_flags($names): (map(arguments) | add // []) as $words
	| ([$words | flag("spire-trust-domain")] + map(environment_value("KAGENTI_SPIRE_TRUST_DOMAIN"), environment_value("ROSSOCTL_SPIRE_TRUST_DOMAIN"))
		| map(select(plain)) | first) as $domain
	| ($words | {namespace: flag("spire-trust-bundle-configmap-namespace"), name: flag("spire-trust-bundle-configmap"),
		key: flag("spire-trust-bundle-configmap-key")}) as $bundle
	| (if ($bundle.name | plain) and ($bundle.namespace | plain)
	   then " --trust-bundle-configmap \($bundle.namespace)/\($bundle.name)" else "" end) as $place
	| (if $names == "kagenti" then "" else " --names \($names)" end) as $named
	| {watch: ($named + $place),
	   verify: ($named + (if $domain then " --trust-domain \($domain)" else "" end) + $place
		+ (if $place != "" and ($bundle.key | plain) then ":\($bundle.key)" else "" end)),
	   translate: $named} | map_values(ltrimstr(" "));

# What of its flags has no counterpart here, or another meaning.
def remarks: (map(arguments) | add // []) as $words
	| (select($words | switch("signature-audit-mode"; false))
		| "--signature-audit-mode: the operator lets pass what it could not verify; here such an agent is unverified"),
	  (select($words | switch("enable-sigstore-verification"; false))
		| "--enable-sigstore-verification: bundles of Sigstore are not read here; such an agent is unverified unless it signs its card"),
	  (select($words | switch("enable-verified-fetch"; true))
		| "--enable-verified-fetch: agents that are verified by mTLS alone need `egress-verify --accept-status=mtls`, which takes"
			+ " the operator's word from the status, or egress-fetch, or a signed card");

# --- agents -----------------------------------------------------------------------------------------------

def suffix: "-signature-policy";
def managers: ["kagenti-operator", "rossoctl-operator"];
def is_theirs: .metadata.labels // {} | (.["managed-by"] | IN(managers[])) and (has("app.kubernetes.io/managed-by") | not);
def is_ours: .metadata.labels // {} | .["app.kubernetes.io/managed-by"] == "agent-egress";
def key: "\(.metadata.namespace)/\(.metadata.name)";
def by_key: reduce .[] as $object ({}; .[$object | key] = $object);
def card_uid: [.metadata.ownerReferences[]? | select(.controller == true and .kind == "AgentCard").uid] | first;

# What a NetworkPolicy allows, in one word.
def allows: (.spec.egress // []) as $egress
	| if (.spec.policyTypes // ["Egress"] | index("Egress") | not) then "anywhere"
	  elif any($egress[]; (.to // []) == [] and (.ports // []) == []) then "anywhere"
	  elif $egress == [] then "nothing"
	  elif all($egress[]; (.to // []) != [] and all(.to[]; .ipBlock) and (.ports // [] | map(.port)) == [6443]) then "server"
	  else "rules" end;
def rank: {nothing: 0, server: 1, rules: 2, anywhere: 3}[.];
def words: {"allow-all": "anywhere", scoped: "rules", "deny-all": "nothing", "api-server": "server"}[.];

def condition: [.status.conditions[]? | select(.type == "Verified")] | first // {};

# What stands between the operator's verdict and ours.
def difference($condition): . as $verification
	| if $condition.reason == "mTLSVerified" then "mTLS: the operator verified it by mTLS alone (--accept-status=mtls, egress-fetch, or sign its card)"
	  elif .reason == "SignatureInvalid" then "form: its signature is over another form of the card, or another card"
	  elif .reason == "TrustBundleMissing" or .reason == "ChainInvalid" then "bundle: another place, or another CA"
	  else .reason end
	| "\(.): \($verification.message | line)";

# The last of each agent: what is asked for it, and what our verdict is. Then beside what there is.
def last_agents: reduce .[] as $line ({}; if $line.type == "AGENT"
	then ($line.agentCard | "\(.namespace)/\(.name)") as $key | if $line.gone then del(.[$key]) else .[$key] = $line end else . end);
def verdicts: reduce (.[] | select(.verification)) as $event ({}; .[$event.object | key] = $event.verification);

# agents(CARDS; POLICIES; VERIFIED EVENTS; OPERATIONS)
def agents($cards; $policies; $events; $operations):
	($policies | by_key) as $stored | ($cards | by_key) as $card | ($events | verdicts) as $verdict
	| [$operations | last_agents | to_entries[] | .key as $key | .value as $agent
		| select($agent.workload.name)
		| $stored["\($agent.agentCard.namespace)/\($agent.workload.name)" + suffix] as $policy
		| ($card[$key] // {} | condition) as $condition
		| (if $policy == null then "anywhere" else $policy | allows end) as $before
		| ($agent.egress | words) as $after
		| {agent: $key, workload: "\($agent.workload.kind)/\($agent.workload.name)", before: $before, after: $after,
		   policy: (if $policy == null then "none" elif $policy | is_theirs then "theirs" elif $policy | is_ours then "ours" else "other" end),
		   there: ($condition.status == "True"), here: $agent.verified,
		   change: (if $before == $after then "same" elif ($before | rank) > ($after | rank) then "narrows" else "widens" end),
		   cut: ($before == "anywhere" and ($after | IN("server", "nothing"))),
		   why: (if $agent.verified then ([$agent.problems[]? | select(.severity == "error") | "\(.field): \(.message)"] | first
				// {nothing: "its card asks for no egress"}[$after] // $agent.reason)
			 elif $condition.status == "True" then ($verdict[$key] // {reason: "Unknown", message: ""} | difference($condition))
			 else "not verified, here as there: \($verdict[$key].message // "" | line)" end | line)}]
	| sort_by(.agent);

# The operator's policies that no operation asks for, and why.
def orphans($cards; $policies; $operations):
	([$operations[] | select(.type == "APPLY").object | {(key): true}] | add // {}) as $asked
	| ($cards | map({(.metadata.uid): .}) | add // {}) as $card
	| [$policies[] | select(is_theirs and ($asked[key] | not))
		| $card[card_uid // ""] as $its | (.metadata.name | rtrimstr(suffix)) as $workload
		| {policy: key, allows: allows,
		   why: (if $its == null then "its AgentCard is gone"
			 elif $its.spec.targetRef.name != $workload then "its AgentCard \($its.metadata.name) names \($its.spec.targetRef.name) now"
			 else "its workload was not seen" end)}];
