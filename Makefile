# SPDX-License-Identifier: GPL-2.0-or-later
# make | demo | check | lint | fuzz | bench | install | uninstall   (README.md says which you want)

VERSION  := 0.1
PREFIX   ?= /usr
SBINDIR  ?= $(PREFIX)/sbin
BINDIR   ?= $(PREFIX)/bin
MANDIR   ?= $(PREFIX)/share/man
UNITDIR  ?= /lib/systemd/system
SYSUSERS ?= /usr/lib/sysusers.d
DESTDIR  ?=

BUILD    ?= build
CC       ?= cc
CFLAGS   ?= -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wnull-dereference
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -fPIE $(WARNINGS) -DNATD_VERSION='"$(VERSION)"' $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro -Wl,-z,now -Wl,--as-needed $(LDFLAGS)

LIBS_PROCESS := -lseccomp -lcap
LIBS_UPNP    := -lminiupnpc -lnatpmp
LIBS_RULES   := -lnftnl -lmnl
LIBS_NATD    := -levent_core -lconfuse -ljansson $(LIBS_RULES) $(LIBS_UPNP) $(LIBS_PROCESS)
LIBS_NATCTL  := -ljansson -lconfuse -lmnl $(LIBS_UPNP) $(LIBS_PROCESS)

SRC_NATD   := $(wildcard natd/*.c) $(wildcard upnp/*.c) $(wildcard rules/*.c)
# natctl works without natd: it looks at the network, reads the configuration and runs upnp itself.
SRC_NATCTL := $(wildcard natd/ctl/*.c) $(wildcard upnp/*.c) natd/address.c natd/config.c \
              natd/log.c natd/network.c natd/process.c natd/sandbox.c natd/vpn.c
SRC_UNIT   := $(wildcard tests/unit/test_*.c)

OBJ_NATD   := $(SRC_NATD:%.c=$(BUILD)/%.o)
OBJ_NATCTL := $(SRC_NATCTL:%.c=$(BUILD)/%.o)
# What unit tests link: everything but the two mains.
OBJ_TESTED := $(filter-out $(BUILD)/natd/natd.o,$(OBJ_NATD)) \
              $(filter-out $(BUILD)/natd/ctl/natctl.o,$(filter $(BUILD)/natd/ctl/%,$(OBJ_NATCTL)))
UNIT_TESTS := $(SRC_UNIT:%.c=$(BUILD)/%)

Q := $(if $(V),,@)

.PHONY: all demo check lint fuzz bench install uninstall clean packages unit valgrind
.SECONDARY:

all: $(BUILD)/natd/natd $(BUILD)/natctl

$(BUILD)/natd/natd: $(OBJ_NATD)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_NATD)

$(BUILD)/natctl: $(OBJ_NATCTL)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_NATCTL)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(OBJ_TESTED)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(LIBS_NATD)

unit: $(UNIT_TESTS)
	$(Q)for test in $(UNIT_TESTS); do echo "  TEST    $$test"; $$test || exit 1; done

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
