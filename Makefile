# amends - plain GNU make, out of tree in build/ (build/san with SAN=1).
#
#   make            amendsd and amendsctl
#   make run        a bank's day in fast time, live in the terminal
#   make test       install what is missing, run everything
#   make unit | system | lint | bench | fuzz | deps | clean
#   make install    into $(DESTDIR)$(PREFIX), unit and first conf included
#   make uninstall  leaves the configuration and what is in Redis
#   make deb        a Debian package, in build/deb
#
# O=DIR builds elsewhere, SAN=1 builds with sanitizers, WERROR=1 as in CI, V=1
# shows the commands.

SAN ?= 0
CC ?= gcc
O := build$(if $(filter 1,$(SAN)),/san)
VERSION := $(shell sed -n 's/.*AM_VERSION "\(.*\)"/\1/p' \
    include/amends/version.h)

PKGS := libevent hiredis libcurl libconfuse jansson libcrypto libsystemd
# asked once, and only when something is compiled
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS) | \
    sed 's,-I[^ ]*/hiredis,,g'))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)) -lm)$(PKG_LIBS)

WARN := -Wall -Wextra -Wshadow -Wformat -Werror=format-security \
    -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
ifeq ($(WERROR),1)
WARN += -Werror
endif
HARDEN := -O2 -g -fstack-protector-strong -fstack-clash-protection -fPIE
ifeq ($(SAN),1)
HARDEN := -O1 -g -fno-omit-frame-pointer -fPIE \
    -fsanitize=address,undefined -fno-sanitize-recover=all
LDSAN := -fsanitize=address,undefined
else
HARDEN += -D_FORTIFY_SOURCE=3
endif
CPPFLAGS += -D_GNU_SOURCE -Iinclude -Ilib -I.
CFLAGS_all = -std=gnu11 $(HARDEN) $(WARN) -MMD -MP $(CFLAGS)
LDFLAGS_all = -pie -Wl,-z,relro,-z,now,-z,noexecstack $(LDSAN) $(LDFLAGS)

src = $(sort $(wildcard $(1)/*.c))
obj = $(patsubst %.c,$(O)/%.o,$(1))

BASE := $(call src,lib/base)
CORE := $(call src,lib/core)
LIB := $(BASE) $(CORE) $(foreach d,log codec conf store deliver intake ops sim,\
    $(call src,lib/$(d)))
CTL := $(sort $(wildcard daemon/amendsctl*.c))
DAEMON := $(filter-out $(CTL),$(call src,daemon))

# One short line a command, or all of it with V=1.
Q = $(if $(V),,@)
SAY = $(if $(V),@:,@echo "  $(1) $@")

all: $(O)/amendsd $(O)/amendsctl

$(O)/libamends.a: $(call obj,$(LIB))
	$(call SAY,AR)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(O)/amendsd: $(call obj,$(DAEMON)) $(O)/libamends.a
	$(call SAY,LD)
	$(Q)$(CC) $(LDFLAGS_all) -o $@ $^ $(PKG_LIBS)

$(O)/amendsctl: $(call obj,$(CTL)) $(O)/libamends.a
	$(call SAY,LD)
	$(Q)$(CC) $(LDFLAGS_all) -o $@ $^ $(PKG_LIBS)

$(O)/lib/core/%.o: CFLAGS_all += -Wconversion

$(O)/%.o: %.c
	$(call SAY,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_all) $(PKG_CFLAGS) -c -o $@ $<

# the dashboard's style, script and sign are inside the program
$(O)/lib/ops/assets.o: $(wildcard lib/ops/assets/*)

include tests/tests.mk

include systemd/install.mk

clean:
	rm -rf build
.PHONY: all clean
.SECONDARY:
.DELETE_ON_ERROR:

-include $(shell find $(O) -path $(O)/deb -prune -o -name '*.d' -type f \
    -print 2>/dev/null)
