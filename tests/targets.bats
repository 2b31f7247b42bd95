# Twelve agents on every target, as files that a person can review: tests/data/targets/TARGET.

bats_require_minimum_version 1.5.0

agents=$BATS_TEST_DIRNAME/data/targets/agents.ndjson
golden=$BATS_TEST_DIRNAME/data/targets

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

targets() { egress-translate --help | sed -n 's/^ *--target \([^ ]*\).*/\1/p' | tr '|' '\n'; }

manifests() { # TARGET
	egress-translate --target "$1" <"$agents" >operations
	egress-apply --dir "$1" <operations >results
}

# What a target says about the agents, as a table.
problems() { # TARGET
	egress-translate --target "$1" <"$agents" | jq -r '
		select(.type == "APPLY") | .object as $object | .problems[]
		| [$object.metadata.name, .severity // "error", .field, .message] | join("  ")' | sort -u
}

@test "there are golden files for every target, and for nothing else" {
	diff <(targets | sort) <(cd "$golden" && printf '%s\n' */ | tr -d / | sort)
}

@test "the manifests of twelve agents are those that were reviewed" {
	for target in $(targets); do
		manifests "$target"
		problems "$target" >"$target/problems.txt"
		diff -r "$golden/$target" "$target"
	done
}

@test "every target has a policy for each of the twelve agents" {
	[ "$(jq -r 'select(.object.kind == "AgentCard" and .type == "ADDED") | .type' "$agents" | wc -l)" = 12 ]
	for target in $(targets); do
		manifests "$target"
		jq -r 'select(.type == "APPLY") | .agentCard | select(.).name' operations | sort -u >agents
		[ "$(wc -l <agents)" = 12 ]
	done
}
