# tests.mk - the programs of tests/ and the targets that run them.
#
#   tests/unit/*_test.c   one cmocka program each; the other files of the
#                         folder are helpers, linked into every one of them
#   tests/tools/*.c       one program each, for the system tests; clock.c is
#                         a library that moves the clocks of a process
#   tests/fuzz/*_fuzz.c   one target each, driven by run.c (see fuzz.h for
#                         libFuzzer): make fuzz FUZZ_S=60
#   tests/bench/*.c       one program each: the limits of `make bench`

UNIT := $(patsubst tests/unit/%.c,$(O)/unit/%,\
    $(wildcard tests/unit/*_test.c))
UNIT_HELP := $(call obj,$(filter-out %_test.c,$(call src,tests/unit)))
TOOLS := $(patsubst tests/tools/%.c,$(O)/tools/%,\
    $(filter-out tests/tools/clock.c,$(call src,tests/tools))) \
    $(O)/tools/clock.so
BENCH := $(patsubst tests/bench/%.c,$(O)/bench/%,$(call src,tests/bench))

$(O)/unit/%: $(O)/tests/unit/%.o $(UNIT_HELP) $(O)/libamends.a
	$(call SAY,LD)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_all) -o $@ $^ -lcmocka $(UNIT_LIBS) $(PKG_LIBS)

# a receiver that speaks TLS
$(O)/unit/deliver_tls_test: UNIT_LIBS := -lssl

$(O)/tools/%: $(O)/tests/tools/%.o $(O)/libamends.a
	$(call SAY,LD)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_all) -o $@ $^ $(PKG_LIBS)

# Preloaded into redis-server, too: nothing of ours is in it.
$(O)/tools/clock.so: tests/tools/clock.c
	$(call SAY,LD)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -fPIC -shared -o $@ $<

$(O)/bench/%: $(O)/tests/bench/%.o $(O)/libamends.a
	$(call SAY,LD)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_all) -o $@ $^ $(PKG_LIBS)

FUZZ := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_S ?= 10
$(O)/fuzz/%: $(O)/tests/fuzz/%.o $(O)/tests/fuzz/run.o $(O)/libamends.a
	$(call SAY,LD)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_all) -o $@ $^ $(PKG_LIBS)

fuzz-all: $(FUZZ)
	@for f in $(FUZZ); do echo "$$f"; $$f $(FUZZ_S) || exit 1; done

# What a run of the tests needs of one build.
programs: all $(UNIT) $(TOOLS)
core-objects: $(call obj,$(CORE))
bench-programs: $(BENCH)

# As many jobs as there are processors, unless the caller said how many.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
SUB = +$(Q)$(MAKE) --no-print-directory -s $(JOBS)
RUN = /usr/bin/python3 tests/run.py

deps:
	@tests/deps.sh test

test:
	@tests/deps.sh test
	$(SUB) SAN=1 programs
	$(SUB) all core-objects bench-programs
	@$(RUN) unit system lint shape

unit:
	$(SUB) SAN=1 programs
	@$(RUN) unit

system:
	$(SUB) SAN=1 programs
	@$(RUN) system

lint:
	$(SUB) all core-objects
	@$(RUN) lint

# Inputs that nobody thought of, with sanitizers, for FUZZ_S seconds a target.
fuzz:
	$(SUB) SAN=1 fuzz-all

bench:
	@tests/deps.sh bench
	$(SUB) all bench-programs
	@/usr/bin/python3 tests/bench/bench.py $(BENCHFLAGS)

run:
	@tests/deps.sh run
	$(SUB) all
	@/usr/bin/python3 tests/demo/demo.py

.PHONY: fuzz fuzz-all programs core-objects bench-programs deps test unit system lint \
    bench run
