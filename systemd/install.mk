# install.mk - `make install`, `make uninstall` and `make deb`.
#
#   PREFIX     /usr; programs, pages, units and what is shared are below it
#   SYSCONFDIR /etc; a file that is there already is never written over
#   DESTDIR    in front of all of it, for packages
#   UNITDIR, DOCDIR, ZSHDIR, BASHDIR where the distribution wants them elsewhere

PREFIX ?= /usr
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/amends
SHAREDIR := $(PREFIX)/share/amends
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions

UNITS := $(notdir $(wildcard systemd/*.service systemd/*.socket))
MEN := $(notdir $(wildcard docs/man/*.[1-9]))
DOCS := $(wildcard README*.md docs/*.md docs/*.yaml docs/*.json)
# what the administrator edits, and what is looked up or copied from
CONFS := amends.conf redis-amends.conf $(patsubst conf/%,%,$(wildcard \
    conf/calendars.d/*.conf conf/loops.d/*.conf conf/loops.d/presets/*.conf))
SHARED := $(patsubst conf/%,%,$(wildcard conf/providers/*.conf \
    conf/producers/*.conf conf/prometheus/* conf/grafana/*))

to = $(DESTDIR)$(1)
# the units name the programs by their paths
AS_HERE = sed -e 's,/usr/sbin/amendsd,$(PREFIX)/sbin/amendsd,' \
    -e 's,/usr/bin/amendsctl,$(PREFIX)/bin/amendsctl,' \
    -e 's,/etc/amends,$(SYSCONFDIR)/amends,'

install: all
	install -D -m 755 $(O)/amendsd $(call to,$(PREFIX)/sbin/amendsd)
	install -D -m 755 $(O)/amendsctl $(call to,$(PREFIX)/bin/amendsctl)
	install -d $(call to,$(UNITDIR))
	@for u in $(UNITS); do \
	    $(AS_HERE) systemd/$$u >$(call to,$(UNITDIR))/$$u && \
	    chmod 644 $(call to,$(UNITDIR))/$$u || exit 1; done
	install -D -m 644 systemd/amends.sysusers \
	    $(call to,$(SYSUSERSDIR))/amends.conf
	install -D -m 644 systemd/amends.tmpfiles \
	    $(call to,$(TMPFILESDIR))/amends.conf
	@for m in $(MEN); do \
	    install -D -m 644 docs/man/$$m \
	        $(call to,$(MANDIR))/man$${m##*.}/$$m || exit 1; done
	@for f in $(SHARED); do \
	    install -D -m 644 conf/$$f $(call to,$(SHAREDIR))/$$f || exit 1; done
	@for f in $(DOCS); do \
	    install -D -m 644 $$f $(call to,$(DOCDIR))/$${f##*/} || exit 1; done
	@for f in $(CONFS); do \
	    test -e $(call to,$(SYSCONFDIR))/amends/$$f || \
	    install -D -m 644 conf/$$f $(call to,$(SYSCONFDIR))/amends/$$f || \
	    exit 1; done
	install -d $(call to,$(SYSCONFDIR))/amends/conf.d
	@$(call completion,bash,$(BASHDIR)/amendsctl)
	@$(call completion,zsh,$(ZSHDIR)/_amendsctl)
	@test -n "$(DESTDIR)" || echo "installed. Next, as root: systemd-sysusers;" \
	    "edit $(SYSCONFDIR)/amends/amends.conf; amendsd -t; systemctl" \
	    "daemon-reload; systemctl enable --now amendsd"

# The program writes its own.
completion = $(O)/amendsctl completion $(1) >$(O)/completion.$(1) && \
    install -D -m 644 $(O)/completion.$(1) $(call to,$(2))

uninstall:
	rm -f $(call to,$(PREFIX)/sbin/amendsd) $(call to,$(PREFIX)/bin/amendsctl)
	rm -f $(foreach u,$(UNITS),$(call to,$(UNITDIR)/$(u)))
	rm -f $(call to,$(SYSUSERSDIR)/amends.conf) \
	    $(call to,$(TMPFILESDIR)/amends.conf)
	rm -f $(foreach m,$(MEN),$(call to,$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(m)))
	rm -f $(call to,$(BASHDIR)/amendsctl) $(call to,$(ZSHDIR)/_amendsctl)
	rm -rf $(call to,$(SHAREDIR)) $(call to,$(DOCDIR))
	@echo "kept: $(SYSCONFDIR)/amends, /var/lib/amends, and all in Redis"

# The sources as a tree with debian/ in it, then dpkg's own tools. They compile
# anew, by dpkg's flags; DEB_O=DIR takes what make O=DIR has built.
DEBDIR ?= build/deb
DEB_O ?=
DEB = $(DEBDIR)/amends-$(VERSION)
DEB_SOURCES = Makefile README*.md LICENSE daemon lib include conf systemd docs \
    tests/tests.mk
deb:
	@v=$$(sed -n '1s/.*(\(.*\)).*/\1/p' systemd/debian/changelog); \
	test "$$v" = "$(VERSION)" || { echo "systemd/debian/changelog is of $$v," \
	    "include/amends/version.h of $(VERSION)" >&2; exit 1; }
	@rm -rf $(DEBDIR) && mkdir -p $(DEB)
	@{ git ls-files -z -- $(DEB_SOURCES) 2>/dev/null | grep -z . || \
	    find $(DEB_SOURCES) -type f -print0; } | \
	    xargs -0 cp -p --parents -t $(DEB)
	@mv $(DEB)/systemd/debian $(DEB)/debian
	cd $(DEB) && AMENDS_O='$(abspath $(DEB_O))' \
	    dpkg-buildpackage -b -us -uc -jauto $(DEBFLAGS)
	@ls $(DEBDIR)/*.deb

.PHONY: install uninstall deb
