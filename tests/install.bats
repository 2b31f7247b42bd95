#!/usr/bin/env bats
# `make install` and the Debian package.

bats_require_minimum_version 1.5.0

root=$BATS_TEST_DIRNAME/..
needed='egress-watch egress-verify egress-resolve egress-translate egress-apply egress-sign'

setup_file() { # the package is built once, apart from BUILD's own objects
	export DEB=''
	for tool in dpkg-buildpackage dh lintian; do command -v "$tool" >/dev/null || return 0; done
	! grep -q __asan_init "$BUILD/bin/egress-verify" || return 0
	make -C "$root" BUILD="$BATS_FILE_TMPDIR" deb >"$BATS_FILE_TMPDIR/log" 2>&1 ||
		{ tail -n 20 "$BATS_FILE_TMPDIR/log" && return 1; }
	DEB=$(compgen -G "$BATS_FILE_TMPDIR/deb/agent-egress_*.deb")
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

package() {
	[ -n "$DEB" ] || ! grep -q __asan_init "$BUILD/bin/egress-verify" ||
		skip 'the package has no sanitizer; run it with a build without SANITIZE'
	[ -n "$DEB" ] || skip 'one of debhelper, dpkg-dev and lintian is missing: apt-get install debhelper dpkg-dev lintian'
}

# what is built is what is tested, whatever flags it was built with
install_here() { make -C "$root" -o all BUILD="$BUILD" install DESTDIR="$PWD/dest" "$@" >/dev/null; }

# has_all DIR: what an installation has, below the prefix
has_all() {
	local name
	for name in $needed; do
		[ -x "$1/bin/$name" ] || { echo "no program $name" && return 1; }
		compgen -G "$1/share/man/man1/$name.1*" >/dev/null || { echo "no manual of $name" && return 1; }
	done
	for name in man5/egress-records.5 man5/egress-bounds.5 man5/egress-assertions.5 man7/egress.7 man7/egress-tutorial.7 man7/egress-security.7 man7/egress-troubleshooting.7 man7/egress-migrate.7; do
		compgen -G "$1/share/man/$name*" >/dev/null || { echo "no manual $name" && return 1; }
	done
	for name in "$root"/systemd/*@.*; do
		[ -f "$1/lib/systemd/system/${name##*/}" ] || { echo "no unit ${name##*/}" && return 1; }
	done
	for name in pipelines/{enforce,record,replay,audit,migrate}; do
		[ -x "$1/share/egress/$name" ] || { echo "no script $name" && return 1; }
	done
	[ -f "$1/share/egress/cluster.env" ] && [ -x "$1/share/egress/check-cluster" ] && [ -f "$1/share/egress/kubernetes/rbac.yaml" ] &&
		[ -f "$1/share/egress/kubernetes/targets/istio/rbac.yaml" ]
}

@test "make install puts programs, manuals, units, scripts and the example below DESTDIR and PREFIX" {
	install_here PREFIX=/usr
	has_all dest/usr
	[ "$(ls dest)" = usr ]
	rm dest/usr/bin/egress-sign
	run -1 has_all dest/usr
}

@test "what is installed is readable by everybody, whatever the umask, and writable by its owner alone" {
	(umask 077 && install_here PREFIX=/usr)
	[ -z "$(find dest/usr/* -type f ! -perm -444 -o -perm /022 ! -type l)" ]
}

@test "a first boot enables none of the units by itself" {
	command -v systemctl >/dev/null || skip 'there is no systemctl: apt-get install systemd'
	install_here PREFIX=/usr
	mkdir -p dest/etc
	systemctl --root="$PWD/dest" preset-all
	[ -z "$(find dest/etc -name '*egress*')" ]
	rm dest/usr/lib/systemd/system-preset/90-egress.preset
	systemctl --root="$PWD/dest" preset-all
	[ -n "$(find dest/etc -name '*egress*')" ]
}

@test "units and scripts find each other below another PREFIX" {
	local path
	install_here PREFIX=/opt/egress
	has_all dest/opt/egress
	while read -r path; do
		[ -e "dest$path" ] || { echo "$path is not there" && return 1; }
	done < <(grep -ohE '[^ =:]*/share/egress/[^ ]+' dest/opt/egress/lib/systemd/system/*)
	dest/opt/egress/share/egress/pipelines/replay --trust-domain example.org --dir out \
		dest/opt/egress/share/egress/examples/agents.ndjson
	diff -r "$root/tests/data/demo" out
}

@test "make deb builds a package that has all of it, and in which lintian finds no error" {
	package
	dpkg-deb -x "$DEB" dest
	has_all dest/usr
	[ -f dest/usr/share/doc/agent-egress/copyright ]
	[[ $(dpkg-deb -f "$DEB" Depends) =~ (^|, )jq(,|$) ]]
	run -0 lintian --allow-root --fail-on error "$DEB"
	[[ $output != *E:* ]]
}

@test "the package enables no unit and starts none" {
	package
	dpkg-deb -e "$DEB" control
	[ -z "$(find control -name '*inst')" ]
	dpkg-deb -x "$DEB" dest
	[ -z "$(find dest -name '*.wants')" ]
}

@test "removal stops what runs, an upgrade does not, and both can do without a systemd" {
	package
	dpkg-deb -e "$DEB" control
	mkdir bin
	printf '#!/bin/sh\necho "$*" >>%s/told\n' "$PWD" >bin/systemctl
	chmod +x bin/systemctl
	# the scripts look for a systemd that runs
	sed -i 's|/run/systemd/system|'"$PWD"'/bin|' control/prerm control/postrm
	PATH=$PWD/bin:$PATH sh control/prerm upgrade 2
	[ ! -e told ]
	PATH=$PWD/bin:$PATH sh control/prerm remove
	[ "$(cat told)" = 'stop egress@*.target egress-*@*.service egress-*@*.timer' ]
	PATH=$PWD/bin:$PATH sh control/postrm remove
	[ "$(tail -n 1 told)" = daemon-reload ]
	rm -r bin
	sh control/prerm remove
	sh control/postrm remove
}

@test "upgrade and removal keep the configuration, and purging keeps what is named for a cluster" {
	package
	[ "$(id -u)" -eq 0 ] || skip 'dpkg --root needs root; run it as root'
	mkdir -p target/var/lib/dpkg/{info,updates}
	touch target/var/lib/dpkg/status
	target() { dpkg --root="$PWD/target" --force-depends --force-script-chrootless --log=/dev/null "$@" </dev/null 2>&1; }
	target --install "$DEB"
	cmp "$root/systemd/cluster.env" target/etc/egress/example.env
	echo '# ours' >>target/etc/egress/example.env
	install -m 600 /dev/null target/etc/egress/prod.watch.kubeconfig
	echo 'EGRESS_VERIFY_FLAGS="--accept-status"' >target/etc/egress/prod.env
	cp -a target/etc/egress kept
	mkdir -p target/var/log/private/egress/prod target/var/lib/private/egress/prod target/var/log/other

	dpkg-deb -R "$DEB" next
	sed -i 's/^Version: .*/&.1/' next/DEBIAN/control
	dpkg-deb -b next next.deb >/dev/null
	target --install next.deb
	diff -r kept target/etc/egress
	echo '# theirs' >>next/etc/egress/example.env
	sed -i 's/^Version: .*/&.1/' next/DEBIAN/control
	dpkg-deb -b next next.deb >/dev/null
	target --force-confold --install next.deb
	diff -r -x '*.dpkg-dist' kept target/etc/egress

	target --remove agent-egress
	diff -r -x '*.dpkg-dist' kept target/etc/egress
	[ ! -e target/usr/bin/egress-watch ]
	[ -d target/var/log/private/egress/prod ]
	target --purge agent-egress
	[ "$(ls target/etc/egress)" = $'prod.env\nprod.watch.kubeconfig' ]
	[ ! -e target/var/log/private/egress ] && [ ! -e target/var/lib/private/egress ] && [ -d target/var/log/other ]
}

@test "the version is the release's, with the commit's hash where it is none, in every program and in the package" {
	version=$(make -s -C "$root" --eval 'show:;@echo $(VERSION)' show)
	release=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$root/systemd/debian/changelog")
	[[ $version == "$release" || $version =~ ^"$release"\+g[0-9a-f]{9,}$ ]]
	if [ -e "$root/.git" ] && [ -z "$(git -C "$root" tag --points-at HEAD "v$release")" ]; then
		git -C "$root" cat-file -e "${version##*+g}^{commit}"
	fi
	[ "$(egress-verify --version)" = "egress-verify $version" ]
	package
	[ "$(dpkg-deb -f "$DEB" Version)" = "$version" ]
}

@test "make dist: a tarball of what git knows, which builds without git and says the same version" {
	[ -e "$root/.git" ] && command -v git >/dev/null || skip 'this is no git work tree: make dist is for one'
	run -0 make -s --no-print-directory -C "$root" BUILD="$PWD/b" dist
	tar -xzf "$output"
	cd agent-egress-*
	[ ! -e .git ]
	[ "$PWD" = "$BATS_TEST_TMPDIR/agent-egress-$(cat .version)" ]
	diff <(git -C "$root" ls-files | sort) <(find . -type f ! -name .version | sed 's|^\./||' | sort)
	env -u MAKEFLAGS -u BUILD -u SANITIZE -u CFLAGS make -s CFLAGS=-O0 build/bin/egress-sign
	[ "$(build/bin/egress-sign --version)" = "egress-sign $(cat .version)" ]
}
