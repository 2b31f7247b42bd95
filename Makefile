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

# What each program links, lowest last: this table is the architecture. A name is a folder
# of lib/, in which every .c file belongs to the library.
PROGRAMS := egress-watch egress-fetch egress-verify egress-resolve egress-translate egress-apply egress-explain egress-sign
LINK_egress-watch     := kube policy stream os json
LINK_egress-fetch     := agent kube trust policy stream os json
LINK_egress-verify    := trust policy stream os json
LINK_egress-resolve   := dns policy stream os json
LINK_egress-translate := policy stream os json
LINK_egress-apply     := kube policy stream os json
LINK_egress-explain   := kube policy stream os json
LINK_egress-sign      := trust os json
LIBS := agent kube trust dns policy stream os json

# The libraries of others that each of ours needs.
NEED_agent  := -lcurl -lssl -lcrypto
NEED_kube   := -lcurl -lyaml -lcrypto
NEED_trust  := -lcrypto
NEED_dns    := -lcares
NEED_policy := -lcrypto
NEED_json   := -lcjson -llz4 -lm
NEED_os     := -lseccomp

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wconversion -Wno-sign-conversion -Wvla -Wformat=2 -Wundef $(WERROR)
ifeq ($(SANITIZE),)
HARDEN := -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
else
HARDEN := -fPIE -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=$(SANITIZE)
endif
COMPILE = $(CC) -std=c11 -D_GNU_SOURCE -Ilib $(CPPFLAGS) $(WARN) $(HARDEN) $(CFLAGS) -MMD -MP
LINKING = $(CC) -pie -Wl,-z,relro,-z,now,--as-needed $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

archives = $(patsubst %,$(BUILD)/lib/%.a,$(1))
needs    = $(sort $(foreach l,$(1),$(NEED_$(l))))
objects  = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)/*.c))

UNITS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
FUZZ  := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
TOOLS := $(patsubst tests/tools/%.c,%,$(wildcard tests/tools/*.c))

## all          the programs, in build/bin
all: $(PROGRAMS:%=$(BUILD)/bin/%)

$(BUILD)/%.o: %.c
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
	$$(call quiet,link)$$(LINKING) -o $$@ $$^ $(call needs,$(LINK_$(1)))
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

# Test programs may use everything. tests/unit: cmocka; tests/tools: programs that tests run.
$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(call archives,$(LIBS))
	@mkdir -p $(@D)
	$(call quiet,link)$(LINKING) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(call needs,$(LIBS)) -lcmocka
$(BUILD)/tools/trust_bench $(BUILD)/tools/bench_log: $(BUILD)/tests/unit/authority.o
$(patsubst %,$(BUILD)/unit/%,$(filter test_trust_%,$(UNITS))): \
  $(BUILD)/tests/unit/authority.o $(BUILD)/tests/unit/scene.o
$(BUILD)/unit/test_policy_targets $(BUILD)/unit/test_policy_neighbours: $(patsubst %.c,$(BUILD)/%.o, \
  $(wildcard tests/unit/egress_*.c tests/unit/evaluate_*.c) tests/unit/target_evaluators.c)
$(BUILD)/tools/%: $(BUILD)/tests/tools/%.o $(call archives,$(LIBS))
	@mkdir -p $(@D)
	$(call quiet,link)$(LINKING) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(call needs,$(LIBS))
FUZZING = clang -std=c11 -D_GNU_SOURCE -Ilib -g -O1 -fno-sanitize-recover=all -MMD -MP
$(BUILD)/fuzzing/%.o: %.c
	@mkdir -p $(@D)
	$(call quiet,fuzz)$(FUZZING) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<
$(BUILD)/fuzzing/%.a:
	@rm -f $@
	@ar rcs $@ $^
$(foreach l,$(LIBS),$(eval $(BUILD)/fuzzing/$(l).a: $(patsubst %.c,$(BUILD)/fuzzing/%.o,$(wildcard lib/$(l)/*.c))))
$(BUILD)/fuzz/%: $(BUILD)/fuzzing/tests/fuzz/%.o $(LIBS:%=$(BUILD)/fuzzing/%.a)
	@mkdir -p $(@D)
	$(call quiet,fuzz)$(FUZZING) -fsanitize=fuzzer,address,undefined -o $@ $^ $(call needs,$(LIBS))
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

## demo         replay the recorded sample log into build/demo and show what it means
demo: deps
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) pipelines/demo

## bench        measure, beside jq, openssl and kubectl; BENCH_FULL=1 with up to 100,000 agents
bench: deps
	@$(MAKE) --no-print-directory all tools
	@BUILD=$(BUILD) tests/bench/run

## manifests    pipelines/kubernetes/crd-agentcards.yaml, from lib/policy's table
manifests: $(BUILD)/bin/egress-translate
	$(BUILD)/bin/egress-translate --print-crd >pipelines/kubernetes/crd-agentcards.yaml

## lint         clang-tidy, cppcheck and shellcheck
lint:
	@tests/lint

## apiserver    build the kube-apiserver that the cluster tests use (minutes, once)
apiserver:
	@tests/cluster/build-apiserver

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
	install -m 644 $(wildcard pipelines/kubernetes/*.yaml) $(SHARE)/egress/kubernetes
	for target in $(notdir $(wildcard pipelines/kubernetes/targets/*)); do \
	  install -D -m 644 -t $(SHARE)/egress/kubernetes/targets/$$target pipelines/kubernetes/targets/$$target/*.yaml || exit 1; done
	install -m 644 $(wildcard pipelines/examples/*) $(SHARE)/egress/examples
	install -m 644 systemd/cluster.env $(SHARE)/egress
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
	@cd $(BUILD)/deb/agent-egress && env -u MAKEFLAGS -u MAKEOVERRIDES -u MAKELEVEL -u BUILD -u PREFIX \
	  -u DESTDIR -u SANITIZE -u WERROR -u CC -u CFLAGS dpkg-buildpackage -b -us -uc

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^## /  /p' $(firstword $(MAKEFILE_LIST))

.PHONY: all unit tools test fuzz demo bench manifests lint apiserver deps install deb clean help

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
