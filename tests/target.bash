# What a target other than NetworkPolicy makes of one agent; load target. $TARGET is its word.
# shellcheck shell=bash

load translate

translate() { egress-translate --target "$TARGET" "$@" 2>errors | operations >out; }
spec() { jq -c 'select(.type == "APPLY").object.spec' out; }
egress() { spec | jq -c .egress; }
same() { # JSON JSON
	[ "$(jq -Sc . <<<"$1")" = "$(jq -Sc . <<<"$2")" ] || { echo "got $1, wanted $2"; return 1; }
}
problem() { jq -r --arg field "$1" '.problems[] | select(.field == $field).message' out; }

world() { # the card's options; its workload and the API server beside it
	api_server 10.0.0.1
	workload Deployment/weather
	card weather "$@"
}

# A card's peer, as the egress that it gets.
peer() {
	world --policy "{\"egress\":[{\"to\":[$1]}]}" | translate
	egress
}
