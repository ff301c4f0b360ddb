# SPDX-License-Identifier: GPL-2.0-or-later
# One file for everything. `make help` lists what it can do.
#
#   MODE=release|asan|ndebug|gcc|clang|fuzz   V=1 shows commands   T= and F= choose one test

VERSION := 0.1.0
MODE ?= release
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
PYTHON ?= /usr/bin/python3

# As many jobs as there are processors, unless -j says otherwise.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

OUT := build/$(MODE)
# The release build is the one users run: its products lie one folder up.
BIN := $(if $(filter release,$(MODE)),build,$(OUT))

# Modes gcc, clang and ndebug only look for warnings; fuzz needs clang.
CC := $(if $(filter clang fuzz,$(MODE)),clang,$(if $(filter default,$(origin CC)),gcc,$(CC)))
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
FORTIFY := -D_FORTIFY_SOURCE=2 -fstack-protector-strong
FLAGS_release := $(FORTIFY)
FLAGS_ndebug := $(FORTIFY) -Werror -DNDEBUG
FLAGS_gcc := $(FORTIFY) -Werror
FLAGS_clang := $(FORTIFY) -Werror
FLAGS_asan := -Og -fno-omit-frame-pointer $(SANITIZE)
FLAGS_fuzz := $(FLAGS_asan) -fsanitize=fuzzer-no-link

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wconversion \
	-Wswitch-enum -Wformat=2 -Werror=implicit-fallthrough $(if $(CI),-Werror)
ALL_CPPFLAGS := -D_GNU_SOURCE -DNECROPY_VERSION='"$(VERSION)"' -Iccore -Iccore/include \
	-include ccore/util/banned.h $(CPPFLAGS)
ALL_CFLAGS := -std=gnu11 $(WARN) $(CFLAGS) -fPIC -fvisibility=hidden -pthread $(FLAGS_$(MODE))
ALL_LDFLAGS := $(filter -fsanitize=address%,$(FLAGS_$(MODE))) -Wl,-z,now -Wl,-z,relro $(LDFLAGS)
LIBS := -ldw -lelf -lzstd -llzma -lz -llz4 -lpthread -ldl

SRCS := $(sort $(wildcard ccore/*/*.c))
HEADERS := $(sort $(wildcard ccore/*/*.h))
CLI_OBJS := $(patsubst %.c,$(OUT)/%.o,$(filter ccore/cli/%,$(SRCS)))
LIB_OBJS := $(patsubst %.c,$(OUT)/%.o,$(filter-out ccore/cli/%,$(SRCS)))
TEST_SRCS := $(sort $(wildcard tests/c/*.c tests/fuzz/*.c))
C_TESTS := $(patsubst tests/c/%.c,$(OUT)/tests/%,$(filter tests/c/test_% tests/c/decode_%,$(TEST_SRCS)))
FUZZERS := $(patsubst tests/fuzz/%.c,$(OUT)/%,$(filter tests/fuzz/fuzz_%,$(TEST_SRCS)))
FORMATTED := $(SRCS) $(HEADERS) $(TEST_SRCS) $(wildcard tests/c/*.h tests/fuzz/*.h)

Q := $(if $(V),,@)
msg = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))
again = +$(Q)$(MAKE) --no-print-directory MODE=$(1) $(2)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all objects c-tests fuzzers demo test test-long test-matrix parity bench check format fuzz \
	golden abi install clean help

all: $(BIN)/libccore.so $(BIN)/libccore.a $(BIN)/necropy ## library and command line, in build/

objects: $(LIB_OBJS) $(CLI_OBJS)
c-tests: $(C_TESTS)
fuzzers: $(FUZZERS)

$(OUT)/%.o: %.c Makefile
	$(call msg,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# It is part of the program.
$(OUT)/ccore/cli/plot.o: ccore/cli/plot.py

# libccore.so.0 is the name that programs ask for at run time.
$(BIN)/libccore.so: $(LIB_OBJS) ccore/ccore.map
	$(call msg,LINK,$@)
	$(Q)$(CC) -shared -Wl,-soname,libccore.so.0 -Wl,--version-script=ccore/ccore.map \
		-Wl,-z,defs $(ALL_LDFLAGS) $(LIB_OBJS) $(LIBS) -o $@
	$(Q)ln -sf libccore.so $@.0

$(BIN)/libccore.a: $(LIB_OBJS)
	$(call msg,AR,$@)
	$(Q)rm -f $@ && $(AR) rcsD $@ $^

$(BIN)/necropy: $(CLI_OBJS) $(BIN)/libccore.so
	$(call msg,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,-rpath,'$$ORIGIN:$$ORIGIN/../lib' $(CLI_OBJS) \
		-L$(BIN) -lccore -o $@

$(C_TESTS): $(OUT)/tests/%: $(OUT)/tests/c/%.o $(BIN)/libccore.a
	$(call msg,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

# Those that read a heap share a small interpreter.
$(OUT)/fuzz_family $(OUT)/fuzz_frame: $(addprefix $(OUT)/tests/fuzz/,image.o thin_layout.o)

# With MODE=fuzz libFuzzer drives; elsewhere driver.c runs the files it is given, once each.
DRIVER := $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer,$(OUT)/tests/fuzz/driver.o)
$(FUZZERS): $(OUT)/fuzz_%: $(OUT)/tests/fuzz/fuzz_%.o $(filter %.o,$(DRIVER)) $(BIN)/libccore.a
	$(call msg,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter -%,$(DRIVER)) $(filter %.o,$^) \
		$(filter %.a,$^) $(LIBS) -o $@

demo: ## run a leaking program, dump its core, find the leak in gdb
	$(Q)tools/install-deps.sh build demo
	$(call again,release,all)
	$(Q)tools/demo.sh

test: ## everything that must pass; T=dict runs what has "dict" in its name
	$(Q)tools/install-deps.sh build demo test
	$(call again,release,all)
	$(Q)printf '%s\n' $(SRCS) | xargs -P $$(nproc) -n 16 \
		$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -DNDEBUG -fsyntax-only
	$(call again,asan,all c-tests fuzzers)
	$(Q)$(PYTHON) -m pytest -n $$(nproc) --dist loadgroup $(if $(T),-k '$(T)') $(PYTEST_ARGS) tests

# The fuzzers run one after the other, on every processor; what they find stays in build/fuzz.
test-long: T := $(or $(T),1800)
test-long: ## hours: every cut, thousands of corrupt cores, T=1800 seconds of each fuzzer
	$(Q)tools/install-deps.sh build demo test fuzz
	$(call again,release,all)
	$(call again,asan,all)
	$(Q)NECROPY_LONG=1 $(PYTHON) -m pytest -n $$(nproc) --dist loadgroup $(PYTEST_ARGS) \
		tests/test_cut_cores.py tests/test_mutated_cores.py
	$(call again,fuzz,fuzzers)
	+$(Q)for f in $(patsubst fuzz_%,%,$(notdir $(FUZZERS))); do \
		$(MAKE) --no-print-directory fuzz F=$$f T=$(T) \
			FUZZ_ARGS="-fork=$$(nproc) -ignore_timeouts=0 -ignore_ooms=0" || exit 1; \
	done

parity: ## every object of many programs beside what CPython itself says of it
	$(Q)tools/install-deps.sh build demo test matrix
	$(call again,release,all)
	$(Q)$(PYTHON) tests/parity.py $(PARITY_ARGS)

test-matrix: ## the same with CPythons that it downloads and builds first
	$(Q)tools/install-deps.sh matrix
	$(Q)corefiles/debian_pythons.py
	-$(Q)corefiles/build-pythons.sh
	+$(Q)NECROPY_PYTHONS=all $(MAKE) --no-print-directory test

bench: ## times, and ratios against other tools
	$(Q)tools/install-deps.sh build demo test
	$(call again,release,all)
	$(Q)$(PYTHON) tools/bench.py $(BENCH_ARGS)

check: ## format, lints, layers, exports, generated files
	$(Q)tools/install-deps.sh build check
	$(Q)clang-format --dry-run -Werror $(FORMATTED)
	$(Q)$(PYTHON) tools/check_layers.py
	$(Q)$(PYTHON) tools/gen_abi.py --check
	$(call again,gcc,objects)
	$(call again,clang,objects)
	$(call again,ndebug,objects)
	$(call again,release,all)
	$(Q)$(PYTHON) tools/check_exports.py
	$(Q)for h in $(HEADERS); do \
		$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -fsyntax-only -x c $$h || exit 1; done
	$(Q)cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr --library=posix \
		-j4 -D_GNU_SOURCE -Iccore -Iccore/include ccore
	$(Q)printf '%s\n' $(SRCS) | xargs -P $$(nproc) -I FILE clang-tidy --quiet \
		--warnings-as-errors='*' FILE -- $(ALL_CPPFLAGS) -std=gnu11 2>/dev/null

format: ## rewrite the C files as clang-format wants them
	$(Q)clang-format -i $(FORMATTED)

fuzz: F := $(or $(F),core)
fuzz: ## libFuzzer on one entry: make fuzz F=core T=60 (seconds)
	$(Q)tools/install-deps.sh build fuzz
	$(call again,fuzz,build/fuzz/fuzz_$(F))
	$(Q)mkdir -p build/fuzz/corpus/$(F)
	$(Q)build/fuzz/fuzz_$(F) -max_total_time=$(or $(T),60) -timeout=20 -rss_limit_mb=2048 \
		-artifact_prefix=build/fuzz/ $(FUZZ_ARGS) build/fuzz/corpus/$(F) $(wildcard tests/fuzz/corpus/$(F))

golden: all ## rewrite tests/golden from the present output; then read git diff
	$(Q)NECROPY_GOLDEN=write $(PYTHON) -m pytest -q tests/test_golden.py

abi: ## regenerate the ctypes binding from ccore.h
	$(Q)$(PYTHON) tools/gen_abi.py

D = $(DESTDIR)$(PREFIX)
install: all ## into PREFIX=/usr/local, below DESTDIR= if given
	install -D build/necropy $(D)/bin/necropy
	install -D build/libccore.so $(D)/lib/libccore.so.$(VERSION)
	ln -sf libccore.so.$(VERSION) $(D)/lib/libccore.so.0
	ln -sf libccore.so.0 $(D)/lib/libccore.so
	install -D -m 644 build/libccore.a $(D)/lib/libccore.a
	install -D -m 644 ccore/include/ccore.h $(D)/include/ccore.h
	for m in 1 3 7; do install -D -m 644 -t $(D)/share/man/man$$m docs/man/*.$$m || exit 1; done
	install -D -m 644 tools/completion.bash $(D)/share/bash-completion/completions/necropy
	install -D -m 644 -t $(D)/share/necropy gdbext/necropy.py
	cd gdbext && find necropy_gdb -name '*.py' -exec install -D -m 644 {} $(abspath $(D))/share/necropy/{} \;

clean: ## remove build/
	$(Q)rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

-include $(patsubst %.c,$(OUT)/%.d,$(SRCS) $(TEST_SRCS))
