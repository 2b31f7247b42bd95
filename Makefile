# agent-egress. `make help` lists what can be made.

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
SHELL := /bin/bash

ifeq ($(origin CC),default)
CC := gcc
endif
BUILD    ?= build
PREFIX   ?= /usr/local
CFLAGS   ?= -O2 -g
WERROR   ?=
SANITIZE ?=
# V=1 shows the commands.
quiet = $(if $(V),,@echo '  $(1) $@';)

PROGRAMS := egress-watch egress-fetch egress-verify egress-resolve egress-translate egress-apply egress-explain egress-flows egress-propose egress-sign

# The release is the Debian changelog's; a commit that is no release adds its hash, that of the last one which
# changed a program. A tarball has .version in the place of git.
RELEASE := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' systemd/debian/changelog 2>/dev/null)
COMMIT  := $(if $(wildcard .git),$(shell git log -1 --format=%h --abbrev=9 -- lib cmd Makefile 2>/dev/null))
TAGGED  := $(if $(COMMIT),$(shell git tag --points-at HEAD v$(RELEASE) 2>/dev/null))
VERSION := $(or $(shell cat .version 2>/dev/null),$(or $(RELEASE),0)$(if $(COMMIT),$(if $(TAGGED),,+g$(COMMIT))))

# The architecture. Each folder of lib/ is a library of all its .c files and uses only the folders
# that its row names; base may be used by all. ROOMS lists them lowest first: a folder stands above
# all that it uses. Link lines come from here, and `make lint` holds the code to it.
ROOMS := base json net yaml os stream k8s trust verify rules bounds policy targets translate flows explain client watch apply resolve fetch
USES_base      :=
USES_json      :=
USES_net       :=
USES_yaml      := json
USES_os        :=
USES_stream    := json os
USES_k8s       := json
USES_trust     := json
USES_verify    := trust k8s json
USES_rules     := k8s net json
USES_bounds    := rules k8s net json
USES_policy    := bounds rules k8s net json
USES_targets   := policy rules k8s net json
USES_translate := targets policy bounds rules k8s json
USES_flows     := rules k8s net yaml json
USES_explain   := translate targets flows policy rules k8s net yaml os json
USES_client    := yaml os json
USES_watch     := client rules stream yaml k8s os json
USES_apply     := client rules stream yaml k8s os json
USES_resolve   := rules k8s net os json
USES_fetch     := client trust k8s os json
# These are functions of what they are given: no file, socket, clock or environment.
PURE := json net k8s trust verify rules bounds policy targets translate

# What each program uses directly.
LINK_egress-watch     := watch client stream os
LINK_egress-fetch     := fetch client stream os
LINK_egress-verify    := verify stream os
LINK_egress-resolve   := resolve stream os
LINK_egress-translate := translate bounds yaml stream os
LINK_egress-apply     := apply client stream os
LINK_egress-explain   := explain stream os
LINK_egress-flows     := flows stream os
LINK_egress-propose   := flows stream os
LINK_egress-sign      := trust os

# The libraries of others that each of ours needs.
NEED_base    := -lcrypto -llz4
NEED_json    := -lcjson -lm
NEED_yaml    := -lyaml
NEED_os      := -lseccomp
NEED_trust   := -lcrypto
NEED_rules   := -lcrypto
NEED_client  := -lcurl -lcrypto
NEED_resolve := -lcares
NEED_fetch   := -lcurl -lssl -lcrypto

# $(call closure,ROOMS): the rooms named and all that they use, highest first, as a linker wants them.
reversed = $(if $(1),$(call reversed,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
reached  = $(sort $(1) $(foreach r,$(1),$(if $(USES_$(r)),$(call reached,$(USES_$(r))))) base)
closure  = $(filter $(call reached,$(1)),$(call reversed,$(ROOMS)))
LIBS     := $(call reversed,$(ROOMS))

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wconversion -Wno-sign-conversion -Wvla -Wformat=2 -Wundef $(WERROR)
ifeq ($(SANITIZE),)
HARDEN := -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
else
HARDEN := -fPIE -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=$(SANITIZE)
endif
COMPILE = $(CC) -std=c11 -D_GNU_SOURCE -Ilib $(CPPFLAGS) $(WARN) $(HARDEN) $(CFLAGS) -MMD -MP
LINKING = $(CC) -pie -Wl,-z,relro,-z,now,--as-needed $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

archives = $(patsubst %,$(BUILD)/lib/%.a,$(call closure,$(1)))
needs    = $(sort $(foreach l,$(call closure,$(1)),$(NEED_$(l))))
objects  = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)/*.c))

UNITS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
FUZZ  := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
TOOLS := $(patsubst tests/tools/%.c,%,$(wildcard tests/tools/*.c))

## all          the programs, in build/bin
all: $(PROGRAMS:%=$(BUILD)/bin/%)

# What is built with other flags is built again: $(BUILD)/flags is new when they are.
define remember
$(1): always
	@mkdir -p $$(@D)
	@printf '%s\n' '$$(subst ','\'',$(2))' | cmp -s - $$@ || printf '%s\n' '$$(subst ','\'',$(2))' >$$@
endef
$(eval $(call remember,$(BUILD)/flags,$$(COMPILE) : $$(LINKING)))
$(eval $(call remember,$(BUILD)/fuzzing/flags,$$(FUZZING)))

$(eval $(call remember,$(BUILD)/version,$$(VERSION)))
$(BUILD)/lib/os/version.o: $(BUILD)/version
$(BUILD)/lib/os/version.o: CPPFLAGS += -DEGRESS_VERSION='"$(VERSION)"'

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,cc  )$(COMPILE) -c -o $@ $<

define library
$(BUILD)/lib/$(1).a: $(call objects,lib/$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach l,$(LIBS),$(eval $(call library,$(l))))

define program
$(BUILD)/bin/$(1): $(call objects,cmd/$(1)) $(call archives,$(LINK_$(1)))
	@mkdir -p $$(@D)
	$$(call quiet,link)$$(LINKING) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(call needs,$(LINK_$(1)))
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

# Test programs may use everything. tests/unit: cmocka; tests/tools: programs that tests run.
$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(call archives,$(LIBS))
	@mkdir -p $(@D)
	$(call quiet,link)$(LINKING) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(call needs,$(LIBS)) -lcmocka
$(BUILD)/tools/trust_bench $(BUILD)/tools/bench_log: $(BUILD)/tests/unit/authority.o
$(patsubst %,$(BUILD)/unit/%,$(filter test_trust_%,$(UNITS))): \
  $(BUILD)/tests/unit/authority.o $(BUILD)/tests/unit/scene.o
$(BUILD)/unit/test_policy_confined $(BUILD)/unit/test_translate_confined: $(BUILD)/tests/unit/confined_world.o $(BUILD)/tests/unit/confined_judge.o
$(patsubst %,$(BUILD)/unit/%,$(filter test_translate_%,$(UNITS))): $(BUILD)/tests/unit/translating.o
$(BUILD)/unit/test_policy_targets $(BUILD)/unit/test_policy_neighbours: $(patsubst %.c,$(BUILD)/%.o, \
  $(wildcard tests/unit/egress_*.c tests/unit/evaluate_*.c) tests/unit/target_evaluators.c)
$(BUILD)/tools/%: $(BUILD)/tests/tools/%.o $(call archives,$(LIBS))
	@mkdir -p $(@D)
	$(call quiet,link)$(LINKING) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(call needs,$(LIBS))
FUZZING = clang -std=c11 -D_GNU_SOURCE -Ilib -g -O1 -fno-sanitize-recover=all -MMD -MP
$(BUILD)/fuzzing/%.o: %.c $(BUILD)/fuzzing/flags
	@mkdir -p $(@D)
	$(call quiet,fuzz)$(FUZZING) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<
$(BUILD)/fuzzing/%.a:
	@rm -f $@
	@ar rcs $@ $^
$(foreach l,$(LIBS),$(eval $(BUILD)/fuzzing/$(l).a: $(patsubst %.c,$(BUILD)/fuzzing/%.o,$(wildcard lib/$(l)/*.c))))
$(BUILD)/fuzz/%: $(BUILD)/fuzzing/tests/fuzz/%.o $(LIBS:%=$(BUILD)/fuzzing/%.a)
	@mkdir -p $(@D)
	$(call quiet,fuzz)$(FUZZING) -fsanitize=fuzzer,address,undefined -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(call needs,$(LIBS))
.SECONDARY:

## unit         the unit tests' programs
unit: $(UNITS:%=$(BUILD)/unit/%)
tools: $(TOOLS:%=$(BUILD)/tools/%)

## test         every test; the last line says how many passed, failed and were skipped
test: deps
	@$(MAKE) --no-print-directory all unit tools
	@BUILD=$(BUILD) tests/run

## fuzz         every fuzz entry for FUZZ_SECONDS (10) each
FUZZ_SECONDS ?= 10
fuzz: $(FUZZ:%=$(BUILD)/fuzz/%)
	@tests/fuzz/run $(BUILD) $(FUZZ_SECONDS) $(FUZZ)

## mutate       what the tests do not see: MUTATE_COUNT (400) small faults of lib/, drawn by MUTATE_SEED
mutate: deps
	@BUILD=$(BUILD) CC='$(CC)' tests/mutate

## demo         replay the recorded sample log into build/demo and show what it means
demo: deps
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) pipelines/demo

## bench        measure, beside jq, openssl and kubectl; BENCH_FULL=1 with up to 100,000 agents
bench: deps
	@$(MAKE) --no-print-directory all tools
	@BUILD=$(BUILD) tests/bench/run

## manifests    pipelines/kubernetes/crd-agentcards*.yaml, from the table of lib/rules
manifests: $(BUILD)/bin/egress-translate
	$(BUILD)/bin/egress-translate --print-crd >pipelines/kubernetes/crd-agentcards.yaml
	$(BUILD)/bin/egress-translate --print-crd --kubernetes 1.20 >pipelines/kubernetes/crd-agentcards-1.20.yaml

## lint         clang-tidy, cppcheck and shellcheck, and what is against the table of folders
lint:
	@tests/lint
	@$(MAKE) --no-print-directory layers

## layers       what in lib/ and cmd/ is against the table of folders, or goes in a circle
layers: $(foreach l,$(LIBS),$(call objects,lib/$(l)))
	@{ $(foreach r,$(ROOMS),echo '$(r): $(USES_$(r))';) } | PURE='$(PURE)' tests/layers $(BUILD)

## apiserver    build the API servers that the cluster tests use: Debian's, and a current one where
##              Go is new enough (minutes, once)
apiserver:
	@tests/cluster/build-apiserver
	@tests/cluster/build-current || [ $$? -eq 2 ]

## deps         install the Debian packages that are missing (as root), or name them
deps:
	@tests/deps

## install      programs, man pages, pipelines, completions and systemd units, under DESTDIR and PREFIX
SCRIPTS := $(filter-out pipelines/demo pipelines/kubectl-egress,$(shell find pipelines -maxdepth 1 -type f -perm -u+x))
SHARE    = $(DESTDIR)$(PREFIX)/share
# Debian's zsh looks into site-functions under /usr/local only.
ZSH_COMPLETIONS = $(SHARE)/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/systemd/system \
	  $(DESTDIR)$(PREFIX)/lib/systemd/system-preset \
	  $(SHARE)/man/man1 $(SHARE)/man/man5 $(SHARE)/man/man7 \
	  $(SHARE)/egress/pipelines $(SHARE)/egress/kubernetes $(SHARE)/egress/examples
	install -m 755 $(PROGRAMS:%=$(BUILD)/bin/%) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(wildcard cmd/*/*.1) $(SHARE)/man/man1
	install -m 644 $(wildcard lib/*/*.5) $(SHARE)/man/man5
	install -m 644 $(wildcard pipelines/*.7) $(SHARE)/man/man7
	install -m 755 $(SCRIPTS) $(SHARE)/egress/pipelines
	install -m 644 pipelines/migrate.jq $(SHARE)/egress/pipelines
	install -m 644 $(wildcard pipelines/kubernetes/*.yaml) $(SHARE)/egress/kubernetes
	install -D -m 644 -t $(SHARE)/egress/kubernetes/guard $(wildcard pipelines/kubernetes/guard/*.yaml)
	for target in $(notdir $(wildcard pipelines/kubernetes/targets/*)); do \
	  install -D -m 644 -t $(SHARE)/egress/kubernetes/targets/$$target pipelines/kubernetes/targets/$$target/*.yaml || exit 1; done
	install -m 644 $(wildcard pipelines/examples/*) $(SHARE)/egress/examples
	install -m 644 systemd/cluster.env $(SHARE)/egress
	install -m 755 systemd/check-cluster $(SHARE)/egress
	install -m 755 pipelines/kubectl-egress $(DESTDIR)$(PREFIX)/bin
	install -d $(SHARE)/bash-completion/completions $(ZSH_COMPLETIONS)
	install -m 644 pipelines/completion/egress.bash $(SHARE)/bash-completion/completions/egress-watch
	for program in $(filter-out egress-watch,$(PROGRAMS)); do \
	  ln -sf egress-watch $(SHARE)/bash-completion/completions/$$program || exit 1; done
	install -m 644 pipelines/completion/_egress $(ZSH_COMPLETIONS)
	for unit in systemd/*@.*; do sed 's|/usr/share/egress|$(PREFIX)/share/egress|' "$$unit" | \
	  install -m 644 /dev/stdin $(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/} || exit 1; done
	install -m 644 systemd/90-egress.preset $(DESTDIR)$(PREFIX)/lib/systemd/system-preset

## deb          the Debian package, in build/deb (needs debhelper and dpkg-dev)
# The copy has its own build, of which nothing that was said to this make may change a flag.
deb:
	@rm -rf $(BUILD)/deb
	@mkdir -p $(BUILD)/deb/agent-egress
	@cp -a Makefile README.md cmd lib pipelines systemd $(BUILD)/deb/agent-egress
	@cp -a systemd/debian $(BUILD)/deb/agent-egress/debian
	@echo '$(VERSION)' >$(BUILD)/deb/agent-egress/.version
	@sed -i '1s/(.*)/($(VERSION))/' $(BUILD)/deb/agent-egress/debian/changelog
	@cd $(BUILD)/deb/agent-egress && env -u MAKEFLAGS -u MAKEOVERRIDES -u MAKELEVEL -u BUILD -u PREFIX \
	  -u DESTDIR -u SANITIZE -u WERROR -u CC -u CFLAGS dpkg-buildpackage -b -us -uc

## html         the manual for the web, in build/html (needs mandoc)
PAGES := $(wildcard cmd/*/*.1 lib/*/*.5 pipelines/*.7)
# Pages of others, such as jq(1), are Debian's.
WEB := https://manpages.debian.org/bookworm
html:
	@rm -rf $(BUILD)/html
	@mkdir -p $(BUILD)/html
	@set -o pipefail; for page in $(PAGES); do \
	  mandoc -T html -W warning -O 'toc,man=$(WEB)/%N.%S.en.html' "$$page" | \
	  sed -E 's,$(WEB)/(egress[a-z-]*\.[0-9])\.en\.html,\1.html,g' >"$(BUILD)/html/$${page##*/}.html" || exit 1; done
	@cp $(BUILD)/html/egress.7.html $(BUILD)/html/index.html

## dist         the source as build/agent-egress-VERSION.tar.gz, of what git knows (needs git)
DIST := agent-egress-$(VERSION)
dist:
	@mkdir -p $(BUILD)
	@rm -rf $(BUILD)/dist && mkdir $(BUILD)/dist
	@git ls-files -z | tar --create --null --files-from=- --transform='s,^,$(DIST)/,' --sort=name \
	  --owner=0 --group=0 --numeric-owner --mtime=@$$(git log -1 --format=%ct) >$(BUILD)/dist/$(DIST).tar
	@cd $(BUILD)/dist && echo '$(VERSION)' >.version && tar --append --file=$(DIST).tar --transform='s,^,$(DIST)/,' \
	  --owner=0 --group=0 --numeric-owner --mtime=@0 .version
	@gzip -n9 <$(BUILD)/dist/$(DIST).tar >$(BUILD)/$(DIST).tar.gz && rm -rf $(BUILD)/dist
	@echo $(BUILD)/$(DIST).tar.gz

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^## /  /p' $(firstword $(MAKEFILE_LIST))

.PHONY: always all unit tools test fuzz mutate demo bench manifests lint layers apiserver deps install deb html dist clean help

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
