# The table of pipelines/demo, as text: each agent with its verdict, its egress in words, why, and
# its file; then what changed after the lists were complete. $events are verified events,
# $operations what became of them, both arrays.
include "words";

def key: "\(.metadata.namespace)/\(.metadata.name)";
def pad($width): . + (" " * ([$width - length, 0] | max) // ""); # a string times 0 is null
def file: "\(.metadata.namespace)_\(.kind | ascii_downcase)_\(.metadata.name).yaml";
def is_policy: .object.kind == "NetworkPolicy";
def egress: # of an operation
  if .type != "APPLY" then ["-"]
  else (if .reason == "NotVerified" then "the API server: " else "" end) as $what
    | .object | egress_words | map($what + .) end;

# The last event of each card that is still there.
def cards:
  map(select(.verification)) | group_by(.object | key) | map(last) | map(select(.type != "DELETED"));

# The last operation for a card's workload; null when there is none.
def operation_of($card):
  "\($card.metadata.namespace)/\($card.spec.targetRef.name)-signature-policy" as $name
  | map(select(is_policy and (.object | key) == $name)) | last;

def problem: "\(if .severity == "warning" then "warning: " else "" end)\(.field): \(.message)";

def row($card; $verdict; $operation):
  {agent: ($card | key), verdict: $verdict.reason,
   egress: ($operation | egress),
   why: [(if $verdict.verified then $operation.message // $verdict.message else $verdict.message end),
         ($operation.problems // [])[] | problem? // .],
   file: (if $operation.type == "APPLY" then $operation.object | file else "-" end)};

def lines($agent; $verdict):
  (.agent | pad($agent)) + "  " + (.verdict | pad($verdict)) + "  " + .egress[0],
  (.egress[1:][] | ("" | pad($agent + $verdict + 4)) + .),
  (.why[] | "    " + .),
  "    " + .file;

def change($policy):
  {APPLY: "applied", DELETE: "deleted"}[.type] + "  " + (.object | key | pad($policy)) + "  "
  + if .type == "APPLY" then egress | join("; ") else .message end;

[$events | cards[] | . as $event
 | row(.object; .verification; $operations | operation_of($event.object))] as $rows
| ($rows | map(.agent | length) | max) as $agent
| ($rows | map(.verdict | length) | max) as $verdict
| [$operations | (map(.object.metadata.annotations["k8s.io/initial-events-end"]? != null) | index(true)) as $complete
   | .[$complete // length:][] | select(is_policy)] as $changes
| ({agent: "AGENT", verdict: "VERDICT", egress: ["EGRESS"], why: ["why"], file: "file"}, $rows[]
   | lines($agent; $verdict), ""),
  if $changes == [] then empty
  else "What changed after the lists were complete:", "",
       ($changes | (map(.object | key | length) | max) as $policy | .[] | change($policy)), ""
  end
