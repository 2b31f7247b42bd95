# The egress of a NetworkPolicy (networking.k8s.io/v1), in words: an array with a line for each
# rule.

def port:
  (.protocol // "TCP") as $protocol
  | if .port == null then "any \($protocol)"
    elif .endPort then "\(.port)-\(.endPort)/\($protocol)"
    else "\(.port)/\($protocol)" end;

def ports: if (.ports // []) == [] then "" else " on " + (.ports | map(port) | join(", ")) end;

def requirement:
  ({In: "in", NotIn: "not in", Exists: "exists", DoesNotExist: "does not exist"}[.operator]) as $is
  | "\(.key) \($is)" + if .values then " (\(.values | join(", ")))" else "" end;

def selector:
  [((.matchLabels // {}) | to_entries[] | "\(.key)=\(.value)"), ((.matchExpressions // [])[] | requirement)]
  | join(" and ");

def pods: selector | if . == "" then "all pods" else "pods \(.)" end;

# The API server puts a namespace's name into this label.
def namespaces:
  if . == {} then "all namespaces"
  elif (.matchLabels // {} | keys) == ["kubernetes.io/metadata.name"] and (.matchExpressions // []) == []
  then "namespace \(.matchLabels[])"
  else "namespaces \(selector)" end;

def addresses: if contains(":") then sub("/128$"; "") else sub("/32$"; "") end;

def peer:
  if .ipBlock then
    (.ipBlock.cidr | addresses)
    + if (.ipBlock.except // []) == [] then "" else " except " + (.ipBlock.except | map(addresses) | join(", ")) end
  elif .namespaceSelector then
    ((.podSelector // {}) | pods) + " of " + (.namespaceSelector | namespaces)
  else (.podSelector | pods) + " of its namespace" end;

def rule:
  (if (.to // []) == [] then "anywhere" else .to | map(peer) | join(", ") end) + ports;

def egress_words:
  (.spec.egress // []) as $rules
  | if $rules == [] then ["nothing"] else $rules | map(rule) end;
