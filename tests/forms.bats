#!/usr/bin/env bats
# Canonical forms beside their signers: the SDKs of A2A and the operator's struct, on random cards.
# tests/forms/install installs them. FORMS_CARDS says how many cards (300), FORMS_SEED which.

bats_require_minimum_version 1.5.0

FORMS=$BATS_TEST_DIRNAME/forms
SDK=${A2A_SDK_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/agent-egress/sdk}

# need FILE: what tests/forms/install made
need() { [ -e "$SDK/$1" ] || skip "$SDK/$1 is not there (tests/forms/install makes it, from PyPI, npm and with Go)"; }
need_node() { command -v node >/dev/null || skip 'there is no node'; }

# compare KIND FORM COMMAND...: as tests/forms/compare, and most cards must have the form
compare() {
	run -0 "$FORMS/compare" "${FORMS_SEED:-1}" "${FORMS_CARDS:-300}" "$@"
	[[ ${lines[-1]} =~ ': '([0-9]+)' same, '([0-9]+)' refused, 0 wrong'$ ]] || { echo "$output" | tail -n 40; false; }
	[ "${BASH_REMATCH[1]}" -gt $((BASH_REMATCH[2] * 3)) ]
}

@test "a2a-sdk is what the JavaScript SDK signs" {
	need_node
	need javascript/node_modules/@a2a-js/sdk
	compare 1.0 a2a-sdk "node $FORMS/javascript.mjs $SDK/javascript"
}

@test "a2a-sdk is what the Python SDK signs" {
	need python-1.3/bin/python
	compare 1.0 a2a-sdk "$SDK/python-1.3/bin/python $FORMS/python.py"
}

@test "a2a-python-1 is what the Python SDK signed before 1.1.4" {
	need python-1.1.2/bin/python
	compare 1.0 a2a-python-1 "$SDK/python-1.1.2/bin/python $FORMS/python.py"
}

@test "a2a-python-0.3 is what the Python SDK of A2A 0.3 signs" {
	need python-0.3/bin/python
	compare 0.3 a2a-python-0.3 "$SDK/python-0.3/bin/python $FORMS/python.py"
}

@test "kagenti is what the operator's struct becomes, of its own cards and of those of A2A 1.0" {
	need operator
	compare operator kagenti "$SDK/operator"
	compare 1.0 kagenti "$SDK/operator"
}
