# SPDX-License-Identifier: MIT
#
#   make           build/cometfs, build/cometctl
#   make demo      what it does, shown on the built-in provider; needs no key
#   make check     everything that has to hold: lint, unit tests, stories, sanitizers
#   make asan      all tests with AddressSanitizer and UndefinedBehaviorSanitizer
#   make tsan      all tests with ThreadSanitizer
#   make fuzz      FUZZ_SECONDS=60 of made-up inputs for each parser; what is found is in build-fuzz/
#   make chaos     kill -9 and power cuts at random moments, ROUNDS=100 of them; SEED=n for the same again
#   make soak      everything at once for MINUTES=5, with ThreadSanitizer; SEED=n for the same again
#   make manual    writes what of the manual pages is made of --help, after a change of that
#   make bench     its figures beside those of others, ONLY=name for some: build/bench/table.md, plot.svg
#   make screenshot  the pictures of index.html in the README
#   make trixie    all tests in a Debian 13: newer libfuse, curl, compiler; the packages in a fresh Debian 12
#                  and 13, with their systemd. As root
#   make lint      clang-format, cppcheck, clang-tidy, shellcheck
#   make deps      installs what is missing
#   make install   to $(DESTDIR)$(PREFIX); make uninstall takes it away again
#   make deb       two packages for Debian: the program, and its debugging symbols
#   make clean
#
# BUILD=dir builds elsewhere, WERROR=1 makes errors of warnings, SANITIZE=list as gcc names them.

BUILD = build
PREFIX = /usr/local
CFLAGS = -O2 -g
JOBS = $(shell nproc)
PROVE = prove --exec tests/run --jobs 6 --comments --timer

OBJECTS = \
	fs/background.o \
	fs/cadence.o \
	fs/catalog.o \
	fs/catalog_db.o \
	fs/catalog_row.o \
	fs/change.o \
	fs/check.o \
	fs/disk.o \
	fs/echo.o \
	fs/engine.o \
	fs/extents.o \
	fs/fetch.o \
	fs/fetch_end.o \
	fs/fetch_get.o \
	fs/fetch_room.o \
	fs/fetch_stream.o \
	fs/fetch_turn.o \
	fs/fetch_write.o \
	fs/figures.o \
	fs/gallery.o \
	fs/gallery_page.o \
	fs/heap.o \
	fs/http.o \
	fs/http_check.o \
	fs/http_exchange.o \
	fs/http_head.o \
	fs/job.o \
	fs/job_change.o \
	fs/job_counts.o \
	fs/job_listings.o \
	fs/job_news.o \
	fs/job_pack.o \
	fs/job_states.o \
	fs/job_table.o \
	fs/job_wait.o \
	fs/letters.o \
	fs/limit.o \
	fs/log.o \
	fs/log_line.o \
	fs/manners.o \
	fs/mountpoint.o \
	fs/mountpoint_fuse.o \
	fs/mp4.o \
	fs/notice.o \
	fs/notify.o \
	fs/ops.o \
	fs/ops_attr.o \
	fs/ops_events.o \
	fs/ops_figures.o \
	fs/ops_file.o \
	fs/ops_gallery.o \
	fs/ops_list.o \
	fs/ops_pass.o \
	fs/ops_poll.o \
	fs/ops_recall.o \
	fs/ops_status.o \
	fs/ops_video.o \
	fs/options.o \
	fs/options_base.o \
	fs/options_help.o \
	fs/options_key.o \
	fs/park.o \
	fs/poll.o \
	fs/poll_answer.o \
	fs/probe.o \
	fs/provider.o \
	fs/provider_comet.o \
	fs/provider_read.o \
	fs/provider_value.o \
	fs/provider_xai.o \
	fs/rows.o \
	fs/shared_map.o \
	fs/start.o \
	fs/store.o \
	fs/store_files.o \
	fs/store_part.o \
	fs/store_video.o \
	fs/tally.o \
	fs/tree.o \
	fs/tree_stat.o \
	fs/utf8.o \
	fs/verdict.o \
	fs/view.o \
	fs/view_attr.o \
	fs/view_event.o \
	fs/view_figures.o \
	fs/view_metrics.o \
	fs/view_stats.o \
	fs/view_text.o

# cometctl, but for its main.
CTL_OBJECTS = \
	fs/ctl_add.o \
	fs/ctl_bar.o \
	fs/ctl_commands.o \
	fs/ctl_copy.o \
	fs/ctl_doctor.o \
	fs/ctl_doctor_net.o \
	fs/ctl_doctor_stats.o \
	fs/ctl_events.o \
	fs/ctl_forget.o \
	fs/ctl_get.o \
	fs/ctl_job.o \
	fs/ctl_job_list.o \
	fs/ctl_ls.o \
	fs/ctl_mount.o \
	fs/ctl_say.o \
	fs/ctl_screen.o \
	fs/ctl_show.o \
	fs/ctl_signal.o \
	fs/ctl_table.o \
	fs/ctl_text.o \
	fs/ctl_verdict.o \
	fs/ctl_wait.o \
	fs/ctl_watch.o \
	fs/log.o \
	fs/log_line.o \
	fs/utf8.o

SOURCES = $(wildcard fs/*.c tests/unit/*.c tests/provider/*.c tests/reader/*.c tests/fuzz/*.c \
	tests/bench/*.c)
HEADERS = $(wildcard include/*.h fs/*.h tests/unit/*.h tests/provider/*.h tests/reader/*.h \
	tests/fuzz/*.h)
STORIES = $(notdir $(wildcard tests/stories/*.bats))
SHELL_FILES = .ci/run contrib/*.sh contrib/man/*.sh contrib/completions/*.bash contrib/examples/*.sh \
	contrib/examples/*/*.sh tests/run tests/*.sh tests/fuzz/*.sh tests/stories/*.bash tests/stories/*.bats
UNITS = $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZERS = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS = 60
ROUNDS = 100
MINUTES = 5
# A path below a build directory says what is run, and on what: see tests/run.
TESTS = $(UNITS) $(FUZZERS) $(addprefix $(BUILD)/stories/,$(STORIES))
# Long ones where a sanitizer sees more, and nothing depends on how fast the program is: for make check, that is enough.
SANITIZED = $(patsubst tests/stories/%,build/stories/%,$(shell grep -lx '[#] sanitized' tests/stories/*.bats))
# Those that nothing may run beside come last, where they keep no others waiting.
ALONE = $(addprefix %/stories/,$(notdir $(shell grep -lx '[#] alone' tests/stories/*.bats)))
in_order = $(filter-out $(ALONE),$(1)) $(filter $(ALONE),$(1))
PROVIDER_OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/provider/*.c))
READER_OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/reader/*.c))

LIBRARIES = fuse3 libcurl sqlite3 libcjson libcrypto zlib
# Asked only when something is compiled, and once: on a new machine pkg-config comes with deps.
library_cflags = $(eval library_cflags := $(patsubst -I%,-isystem %,\
	$(shell pkg-config --cflags $(LIBRARIES))))$(library_cflags)

# cppcheck reads no system headers, and has to be told what the macros of this one are.
queue_h = $(filter %/sys/queue.h,$(shell echo | $(CC) -M -xc -include sys/queue.h -))

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wconversion -Wno-sign-conversion
DIALECT = -std=c11 -D_GNU_SOURCE -DFUSE_USE_VERSION=314 -Iinclude
HARDENING = -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
LINK_HARDENING = -Wl,-z,relro,-z,now
ifdef SANITIZE
HARDENING = -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
LINK_HARDENING = -fsanitize=$(SANITIZE)
endif

COMPILE = $(CC) $(DIALECT) $(library_cflags) $(CPPFLAGS) $(WARNINGS) $(if $(WERROR),-Werror) \
	$(CFLAGS) $(HARDENING) -fPIE -pthread
LINK = $(CC) $(CFLAGS) -fPIE -pie -pthread $(LINK_HARDENING) $(LDFLAGS)
TEST_PROGRAMS = $(BUILD)/cometfs $(BUILD)/cometctl $(BUILD)/cometfs-expose $(BUILD)/provider $(BUILD)/reader \
	$(UNITS) $(FUZZERS)

all: $(BUILD)/cometfs $(BUILD)/cometctl $(BUILD)/cometfs-expose

$(BUILD)/cometfs: $(BUILD)/fs/main.o $(BUILD)/libcometfs.a
	$(LINK) -o $@ $^ $(shell pkg-config --libs $(LIBRARIES))

$(BUILD)/cometctl: $(BUILD)/fs/ctl.o $(BUILD)/libcometctl.a $(BUILD)/libcometfs.a
	$(LINK) -o $@ $^ $(shell pkg-config --libs libcurl libcjson)

$(BUILD)/libcometctl.a: $(addprefix $(BUILD)/,$(CTL_OBJECTS))
	rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/cometfs-expose: $(BUILD)/fs/expose.o $(BUILD)/libcometfs.a
	$(LINK) -o $@ $^

$(BUILD)/libcometfs.a: $(addprefix $(BUILD)/,$(OBJECTS))
	rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/provider: $(PROVIDER_OBJECTS)
	$(LINK) -o $@ $^ $(shell pkg-config --libs libmicrohttpd)

$(BUILD)/reader: $(READER_OBJECTS)
	$(LINK) -o $@ $^

$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(BUILD)/libcometfs.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(shell pkg-config --libs cmocka $(LIBRARIES))

$(BUILD)/tests/test_ctl $(BUILD)/tests/test_ctl_copy: $(BUILD)/libcometctl.a

# What reads the provider's scripts has its unit test too.
$(BUILD)/tests/test_script: $(addprefix $(BUILD)/tests/provider/,script.o options.o words.o)

# What calls a fuzzer: a replay of the inputs that are kept. libFuzzer, in make fuzz, has a main of its own.
FUZZ_MAIN = $(BUILD)/tests/fuzz/replay.o
FUZZ_SHARED = $(addprefix $(BUILD)/tests/fuzz/,answer.o document.o fuzz.o quote.o)

$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(FUZZ_MAIN) $(FUZZ_SHARED) $(BUILD)/libcometfs.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(shell pkg-config --libs $(LIBRARIES))

# What cometfs is measured against.
BENCH_PROGRAMS = $(addprefix $(BUILD)/bench/,plain pass)
$(BENCH_PROGRAMS): $(BUILD)/bench/%: $(BUILD)/tests/bench/%.o
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(shell pkg-config --libs fuse3)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c -o $@ $<

# It has the page in it.
$(BUILD)/fs/gallery_page.o: fs/gallery.html

# Other flags, other objects.
$(BUILD)/flags: force
	@mkdir -p $(@D)
	@echo '$(COMPILE)' | cmp -s - $@ || echo '$(COMPILE)' >$@

-include $(wildcard $(BUILD)/fs/*.d $(BUILD)/tests/*/*.d)

programs: $(TEST_PROGRAMS)

fuzzers: $(FUZZERS)

deps:
	contrib/deps.sh build test $(if $(wildcard /run/systemd/system),,share)

demo:
	contrib/deps.sh build
	$(MAKE) -j$(JOBS) all $(BUILD)/provider
	BUILD=$(BUILD) contrib/demo.sh

check: deps
	$(MAKE) lint
	$(MAKE) -j$(JOBS) WERROR=1 programs
	$(MAKE) -j$(JOBS) WERROR=1 BUILD=build-asan SANITIZE=address,undefined programs
	$(PROVE) tests/floors.sh \
		$(call in_order,$(filter-out $(SANITIZED),$(TESTS)) $(TESTS:$(BUILD)/%=build-asan/%))

test: deps
	$(MAKE) -j$(JOBS) programs
	$(PROVE) $(call in_order,$(TESTS))

asan:
	$(MAKE) BUILD=build-asan SANITIZE=address,undefined test

tsan:
	$(MAKE) BUILD=build-tsan SANITIZE=thread test

fuzz:
	contrib/deps.sh build fuzz
	$(MAKE) -j$(JOBS) BUILD=build-fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined \
		LDFLAGS=-fsanitize=fuzzer FUZZ_MAIN= fuzzers
	printf '%s\n' $(notdir $(FUZZERS)) | \
		xargs -P2 -I{} tests/fuzz/fuzz.sh build-fuzz/fuzz/{} $(FUZZ_SECONDS)

screenshot:
	contrib/deps.sh build test
	$(MAKE) -j$(JOBS) $(BUILD)/cometfs $(BUILD)/provider
	BUILD=$(BUILD) contrib/screenshot.sh

trixie:
	contrib/trixie.sh
	contrib/packages.sh bookworm trixie

chaos:
	contrib/deps.sh build test
	$(MAKE) -j$(JOBS) $(BUILD)/cometfs $(BUILD)/provider
	BUILD=$(BUILD) ROUNDS=$(ROUNDS) SEED=$(SEED) WORLD=$(WORLD) python3 tests/chaos/chaos.py

# BUILD=build-asan or build for the others.
SANITIZE_build-asan = address,undefined
SANITIZE_build-tsan = thread
soak: BUILD = build-tsan
soak:
	contrib/deps.sh build test
	$(MAKE) -j$(JOBS) BUILD=$(BUILD) SANITIZE=$(SANITIZE_$(BUILD)) $(addprefix $(BUILD)/,cometfs provider reader)
	BUILD=$(BUILD) MINUTES=$(MINUTES) SEED=$(SEED) python3 tests/soak/soak.py

bench:
	contrib/deps.sh build bench
	$(MAKE) -j$(JOBS) $(BUILD)/cometfs $(BUILD)/provider $(BENCH_PROGRAMS)
	BUILD=$(BUILD) python3 tests/bench/bench.py $(ONLY)

# Not with the programs: who installs them needs no more than what is in the tree.
manual: all
	contrib/man/options.sh $(BUILD)/cometfs contrib/man/cometfs.1 >$(BUILD)/manual
	cp $(BUILD)/manual contrib/man/cometfs.1
	contrib/man/commands.sh $(BUILD)/cometctl contrib/man/cometctl.1 >$(BUILD)/manual
	cp $(BUILD)/manual contrib/man/cometctl.1

lint:
	clang-format --dry-run -Werror $(SOURCES) $(HEADERS)
	shellcheck -x $(SHELL_FILES)
	cppcheck --quiet -j$(JOBS) --std=c11 --enable=warning,style,performance,portability \
		--error-exitcode=1 --suppressions-list=tests/cppcheck.txt --include=$(queue_h) \
		--library=posix --library=gnu $(filter -D% -I%,$(DIALECT)) $(SOURCES)
	printf '%s\n' $(SOURCES) | xargs -P$(JOBS) -n3 sh -c \
		'clang-tidy --quiet "$$@" -- $(DIALECT) $(library_cflags) $(WARNINGS)' clang-tidy

# What goes where is in contrib/install.sh.
PROGRAMS = $(BUILD)/cometfs $(BUILD)/cometctl
PUT = BUILD='$(BUILD)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' contrib/install.sh

install: all
	$(PUT) install $(PROGRAMS)

uninstall:
	$(PUT) uninstall $(PROGRAMS)

# In build/deb/; of a Debian, or what comes from it.
deb:
	contrib/deps.sh build deb
	BUILD='$(BUILD)' contrib/deb.sh

clean:
	rm -rf $(BUILD) build-asan build-tsan build-fuzz build-bookworm build-trixie

.PHONY: screenshot all programs fuzzers deps demo check test asan tsan fuzz chaos soak bench trixie manual lint install uninstall deb clean force
.SECONDARY:
