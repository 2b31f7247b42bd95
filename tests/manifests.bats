#!/usr/bin/env bats
# What is written from the schema of egress rules is what is committed.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
}

@test "the committed definitions of the AgentCard are the generated ones" {
	egress-translate --print-crd | diff - pipelines/kubernetes/crd-agentcards.yaml
	egress-translate --print-crd --kubernetes 1.31 | diff - pipelines/kubernetes/crd-agentcards.yaml
	egress-translate --print-crd --kubernetes 1.20 | diff - pipelines/kubernetes/crd-agentcards-1.20.yaml
}

@test "the definition of EgressBounds is of the group and version that egress-translate reads" {
	egress-translate --bounds pipelines/examples/bounds.yaml --check
	grep -qx 'apiVersion: agent-egress.dev/v1alpha1' pipelines/examples/bounds.yaml
	grep -qx '  group: agent-egress.dev' pipelines/kubernetes/crd-egressbounds.yaml
	grep -qx '  - name: v1alpha1' pipelines/kubernetes/crd-egressbounds.yaml
}

@test "--names rossoctl defines that operator's AgentCard" {
	egress-translate --print-crd --names rossoctl >"$BATS_TEST_TMPDIR/crd"
	grep -q 'name: agentcards.agent.rossoctl.dev' "$BATS_TEST_TMPDIR/crd"
	grep -q 'group: agent.rossoctl.dev' "$BATS_TEST_TMPDIR/crd"
	run ! grep -q kagenti "$BATS_TEST_TMPDIR/crd"
}

# copies STAGE: what the Containerfile copies from the source tree in this stage, a line each
copies() {
	awk -v stage="$1" '$1 == "FROM" { n++ } $1 == "COPY" && $2 !~ /^--/ && n == stage {
		for (i = 2; i < NF; i++) print $i }' pipelines/kubernetes/Containerfile
}

@test "the image is built from what the Containerfile copies, and has what that needs" {
	local path tree=$BATS_TEST_TMPDIR/tree out=$BATS_TEST_TMPDIR/out
	mkdir "$tree"
	while read -r path; do cp -a "$path" "$tree"; done < <(copies 1)
	grep -q 'make BUILD=/build DESTDIR=/out PREFIX=/usr install' pipelines/kubernetes/Containerfile
	make -C "$tree" -o all BUILD="$BUILD" DESTDIR="$out" PREFIX=/usr install >/dev/null
	while read -r path; do
		[ -e "$out${path#/out}" ] || { echo "$path is not made" && return 1; }
	done < <(sed -n 's/^COPY --from=build \([^ ]*\) .*/\1/p' pipelines/kubernetes/Containerfile)
	while read -r path; do [ -x "$path" ]; done < <(copies 2)
	[ "$(sed -n 's/^ENTRYPOINT \["\(.*\)"\]/\1/p' pipelines/kubernetes/Containerfile)" = /usr/bin/enforce ]
	copies 2 | grep -qx pipelines/enforce
}

@test "the image has every library that its programs are linked with" {
	local library package
	! grep -q __asan_init "$BUILD/bin/egress-verify" ||
		skip 'a sanitizer adds libraries; run it with a build without SANITIZE'
	awk '$1 == "FROM" { n++ } n == 2' pipelines/kubernetes/Containerfile | tr -s '[:space:]' '\n' >"$BATS_TEST_TMPDIR/words"
	for library in $(readelf -d "$BUILD"/bin/egress-* | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u); do
		package=$(dpkg-query -S "*/$library" | sed -n 's/:.*//p' | head -n 1)
		[ "$package" = libc6 ] || grep -qx "$package" "$BATS_TEST_TMPDIR/words" ||
			{ echo "$library of $package" && return 1; }
	done
}
