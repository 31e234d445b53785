# SPDX-License-Identifier: GPL-2.0-or-later
# make | demo | check | check-vm | lint | fuzz | bench | chaos | install | uninstall   (README.md says which you want)

VERSION  := 0.1
PREFIX   ?= /usr
SBINDIR  ?= $(PREFIX)/sbin
BINDIR   ?= $(PREFIX)/bin
MANDIR   ?= $(PREFIX)/share/man
DATADIR  ?= $(PREFIX)/share/natd
LOCALEDIR ?= $(PREFIX)/share/locale
BASHDIR  ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR   ?= $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
FISHDIR  ?= $(PREFIX)/share/fish/vendor_completions.d
DOCDIR   ?= $(PREFIX)/share/doc/natd
# Others look for these nowhere else, or not everywhere: polkit and firewalld know no /usr/local.
UNITDIR  ?= /lib/systemd/system
SYSUSERS ?= /usr/lib/sysusers.d
SYSCTLDIR ?= /usr/lib/sysctl.d
POLKITDIR ?= /usr/share/polkit-1/rules.d
FIREWALLDDIR ?= /usr/lib/firewalld/policies
SYSCONFDIR ?= /etc
DESTDIR  ?=

BUILD    ?= build
CC       ?= cc
# A packager's CPPFLAGS bring their own; some compilers define it unasked.
FORTIFY   = $(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
CFLAGS   ?= -O2 -g -fstack-protector-strong $(FORTIFY)
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wnull-dereference
# What a program knows of where it is installed.
PLACES     = -DNATD_VERSION='"$(VERSION)"' -DNATD_DATADIR='"$(DATADIR)"' -DNATD_LOCALEDIR='"$(LOCALEDIR)"'
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -fPIE $(WARNINGS) $(PLACES) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro -Wl,-z,now -Wl,--as-needed $(LDFLAGS)

LIBS_PROCESS := -lseccomp -lcap
LIBS_UPNP    := -lminiupnpc -lnatpmp
LIBS_RULES   := -lnftnl -lnetfilter_conntrack -lmnl
LIBS_NATD    := -levent_core -lconfuse -ljansson $(LIBS_RULES) $(LIBS_UPNP) $(LIBS_PROCESS)
LIBS_NATCTL  := -ljansson -lconfuse -lmnl $(LIBS_UPNP) $(LIBS_PROCESS)

SRC_NATD   := $(wildcard natd/*.c) $(wildcard upnp/*.c) $(wildcard rules/*.c)
# natctl works without natd: it looks at the network, reads the configuration and runs upnp itself.
SRC_NATCTL := $(wildcard natd/ctl/*.c) $(wildcard upnp/*.c) natd/address.c natd/clock.c natd/comments.c \
              natd/config.c natd/config_many.c \
              natd/egress.c natd/line.c natd/log.c natd/map_e.c natd/neighbour.c natd/netlink.c natd/network.c \
              natd/network_uplink.c natd/parser.c natd/peers.c natd/process.c natd/sandbox.c natd/setting.c \
              natd/shared_line.c natd/vpn.c natd/vpn_files.c rules/uapi.c
SRC_UNIT   := $(wildcard tests/unit/test_*.c)

OBJ_NATD   := $(SRC_NATD:%.c=$(BUILD)/%.o)
OBJ_NATCTL := $(SRC_NATCTL:%.c=$(BUILD)/%.o)
# What unit tests link: everything but the two mains.
OBJ_TESTED := $(filter-out $(BUILD)/natd/natd.o,$(OBJ_NATD)) \
              $(filter-out $(BUILD)/natd/ctl/natctl.o,$(filter $(BUILD)/natd/ctl/%,$(OBJ_NATCTL)))
UNIT_TESTS := $(SRC_UNIT:%.c=$(BUILD)/%)
HELPERS    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/helpers/*.c))
CATALOGUES := $(patsubst natd/po/%.po,$(BUILD)/locale/%/LC_MESSAGES/natd.mo,$(wildcard natd/po/*.po))
LOCALE_JA  := ja/natd/ja_JP.UTF-8
MANPAGES   := $(wildcard man/*.[1-8])
MANPAGES_TRANSLATED := $(patsubst man/%,%,$(wildcard man/ja/man?/*.[1-8]))

SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
# The whole program once more under the sanitizers. Leaks are valgrind's: looking for them at the end
# takes calls that the sandbox refuses.
SANITIZED_TESTS := $(patsubst %,tests/system/test_%.py,control router rules rules_publish rules_purge stop upnp upnp_hostile)
# Debian's own python, which has Debian's pytest, whatever else is first in PATH.
PYTHON       ?= /usr/bin/python3 -B
FUZZ_SECONDS ?= 30
# Debian's meta packages of the kernels that check-vm boots: what Debian 12 has, and its newer one.
KERNELS      ?= linux-image-amd64 linux-image-6.12-amd64
# Most of a system test is waiting, in namespaces of its own: five at a time keep half a processor busy.
TEST_JOBS    ?= 5

Q := $(if $(V),,@)

.PHONY: FORCE all helpers demo check check-vm lint fuzz bench chaos install uninstall clean unit valgrind
.SECONDARY:

all: $(BUILD)/natd/natd $(BUILD)/natctl $(CATALOGUES) $(BUILD)/locale/$(LOCALE_JA)

$(BUILD)/natd/natd: $(OBJ_NATD)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_NATD)

$(BUILD)/natctl: $(OBJ_NATCTL)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_NATCTL)

$(BUILD)/locale/%/LC_MESSAGES/natd.mo: natd/po/%.po
	@mkdir -p $(@D)
	@echo "  PO      $<"
	$(Q)msgfmt --check -o $@ $<

# The Japanese locale of systems that have none but C.UTF-8 (natd/ctl/text.c).
$(BUILD)/locale/$(LOCALE_JA):
	@mkdir -p $(@D)
	$(Q)ln -sfn /usr/lib/locale/C.utf8 $@

# After a plain "make", "make install PREFIX=" makes programs that look there.
$(BUILD)/places: FORCE
	@mkdir -p $(@D)
	@echo "$(PLACES)" | cmp -s - $@ || echo "$(PLACES)" >$@

PLACED := $(shell grep -lE 'NATD_(VERSION|DATADIR|LOCALEDIR)' natd/*.c natd/ctl/*.c)
$(PLACED:%.c=$(BUILD)/%.o): $(BUILD)/places

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(OBJ_TESTED)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(LIBS_NATD)

$(BUILD)/tests/helpers/%: $(BUILD)/tests/helpers/%.o $(OBJ_TESTED)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_NATD)

helpers: $(HELPERS)

unit: $(UNIT_TESTS) $(CATALOGUES) $(BUILD)/locale/$(LOCALE_JA)
	$(Q)for test in $(UNIT_TESTS); do \
		$(RUNNER) $$test >$$test.log 2>&1 || { cat $$test.log; echo "failed: $$test"; exit 1; }; \
		echo "  PASS    $(RUNNER_NAME)$$test"; done

valgrind:
	$(Q)$(MAKE) --no-print-directory unit RUNNER_NAME="valgrind " \
		RUNNER="valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=definite"

demo:
	$(Q)tests/install-packages build demo
	$(Q)$(MAKE) --no-print-directory all
	$(Q)NATD_BUILD=$(BUILD) $(PYTHON) tests/demo

bench:
	$(Q)tests/install-packages build demo bench
	$(Q)$(MAKE) --no-print-directory all helpers
	$(Q)failed=0; for bench in bench bench-router bench-rules; do \
		NATD_BUILD=$(BUILD) $(PYTHON) tests/$$bench || failed=1; done; exit $$failed

# Disorder, for as long as one likes: SEED=7 MINUTES=30 (tests/chaos says more).
chaos:
	$(Q)tests/install-packages build demo bench check
	$(Q)$(MAKE) --no-print-directory all
	$(Q)NATD_BUILD=$(BUILD) $(PYTHON) tests/chaos

# Everything, on real parts: two compilers, two sanitizers, valgrind, then the system tests.
check:
	$(Q)tests/install-packages build demo bench check
	$(Q)$(MAKE) --no-print-directory all helpers unit
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/clang CC=clang all
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/sanitized CFLAGS="$(SANITIZE)" RUNNER_NAME="sanitized " unit
	$(Q)$(MAKE) --no-print-directory valgrind
	$(Q)NATD_BUILD=$(BUILD) $(PYTHON) -m pytest -q -n $(TEST_JOBS) -p no:cacheprovider tests/system
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/sanitized CFLAGS="$(SANITIZE)" all helpers
	$(Q)ASAN_OPTIONS=detect_leaks=0 NATD_BUILD=$(BUILD)/sanitized \
		$(PYTHON) -m pytest -q -n $(TEST_JOBS) -p no:cacheprovider $(SANITIZED_TESTS)

# The rules and the kernel's own WireGuard on Debian's own kernels, in a virtual machine.
check-vm:
	$(Q)tests/install-packages build demo check vm
	$(Q)$(MAKE) --no-print-directory all helpers
	$(Q)NATD_BUILD=$(BUILD) $(PYTHON) tests/vm/run $(KERNELS)

lint:
	$(Q)tests/install-packages build lint
	$(Q)tests/lint

# Each decoder of foreign bytes for FUZZ_SECONDS.
fuzz:
	$(Q)tests/install-packages build check
	$(Q)tests/fuzz/run $(BUILD)/fuzz $(FUZZ_SECONDS)

install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSUSERS) \
		$(DESTDIR)$(DOCDIR)/examples $(DESTDIR)$(SYSCONFDIR)/natd $(DESTDIR)$(DATADIR)
	install -m 755 $(BUILD)/natd/natd $(DESTDIR)$(SBINDIR)/natd
	install -m 755 $(BUILD)/natctl $(DESTDIR)$(BINDIR)/natctl
	sed 's|@SBINDIR@|$(SBINDIR)|' natd/service/natd.service >$(DESTDIR)$(UNITDIR)/natd.service
	sed 's|@BINDIR@|$(BINDIR)|' natd/service/natd-hooks.service >$(DESTDIR)$(UNITDIR)/natd-hooks.service
	chmod 644 $(DESTDIR)$(UNITDIR)/natd.service $(DESTDIR)$(UNITDIR)/natd-hooks.service
	install -m 644 natd/service/natd.sysusers $(DESTDIR)$(SYSUSERS)/natd.conf
	install -D -m 644 natd/service/natd.sysctl $(DESTDIR)$(SYSCTLDIR)/30-natd.conf
	install -D -m 644 natd/service/natd.polkit.rules $(DESTDIR)$(POLKITDIR)/50-natd.rules
	install -D -m 644 natd/service/natd.policy.xml $(DESTDIR)$(FIREWALLDDIR)/natd.xml
	install -m 644 natd/service/natd.conf $(DESTDIR)$(DOCDIR)/examples/natd.conf
	for catalogue in $(CATALOGUES:$(BUILD)/locale/%=%); do \
		install -D -m 644 $(BUILD)/locale/$$catalogue $(DESTDIR)$(LOCALEDIR)/$$catalogue || exit 1; done
	install -d $(dir $(DESTDIR)$(LOCALEDIR)/$(LOCALE_JA))
	ln -sfn /usr/lib/locale/C.utf8 $(DESTDIR)$(LOCALEDIR)/$(LOCALE_JA)
	install -D -m 644 natd/service/natctl.bash $(DESTDIR)$(BASHDIR)/natctl
	install -D -m 644 natd/service/natctl.zsh $(DESTDIR)$(ZSHDIR)/_natctl
	install -D -m 644 natd/service/natctl.fish $(DESTDIR)$(FISHDIR)/natctl.fish
	install -m 644 natd/service/routers.conf $(DESTDIR)$(DATADIR)/routers.conf
	install -D -m 755 natd/service/hook-ddns $(DESTDIR)$(DOCDIR)/examples/hooks.d/ddns
	install -m 644 README.md $(DESTDIR)$(DOCDIR)/README.md
	for page in $(MANPAGES); do section=$${page##*.}; \
		install -d $(DESTDIR)$(MANDIR)/man$$section && \
		install -m 644 $$page $(DESTDIR)$(MANDIR)/man$$section/ || exit 1; done
	for page in $(MANPAGES_TRANSLATED); do \
		install -D -m 644 man/$$page $(DESTDIR)$(MANDIR)/$$page || exit 1; done
	$(if $(DESTDIR),,-systemd-sysusers $(SYSUSERS)/natd.conf && systemctl daemon-reload)

# What the user wrote (/etc/natd) and what natd remembers (/var/lib/natd) stay.
uninstall:
	rm -f $(DESTDIR)$(SYSCTLDIR)/30-natd.conf $(DESTDIR)$(POLKITDIR)/50-natd.rules \
		$(DESTDIR)$(FIREWALLDDIR)/natd.xml
	rm -f $(DESTDIR)$(SBINDIR)/natd $(DESTDIR)$(BINDIR)/natctl $(DESTDIR)$(UNITDIR)/natd.service \
		$(DESTDIR)$(UNITDIR)/natd-hooks.service $(DESTDIR)$(SYSUSERS)/natd.conf
	rm -rf $(DESTDIR)$(DOCDIR) $(DESTDIR)$(DATADIR)
	rm -f $(DESTDIR)$(BASHDIR)/natctl $(DESTDIR)$(ZSHDIR)/_natctl $(DESTDIR)$(FISHDIR)/natctl.fish
	rm -f $(CATALOGUES:$(BUILD)/locale/%=$(DESTDIR)$(LOCALEDIR)/%)
	rm -rf $(dir $(DESTDIR)$(LOCALEDIR)/$(LOCALE_JA))
	for page in $(MANPAGES); do rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}; done
	rm -f $(MANPAGES_TRANSLATED:%=$(DESTDIR)$(MANDIR)/%)
	-rmdir --ignore-fail-on-non-empty $(DESTDIR)$(SYSCONFDIR)/natd

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
