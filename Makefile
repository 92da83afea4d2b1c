# Everything otlpd's developers and users do, as one word each; `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PREFIX ?= /usr/local
BUILD := .build/release
VENV := .venv
PACKAGES := zlib1g-dev libsqlite3-dev libyaml-dev libcurl4-openssl-dev libdeflate-dev libzstd-dev libcrypt-dev \
  libnghttp2-dev libssl-dev
# dpkg-dev computes what the package depends on; mandoc checks the manual.
DEB_TOOLS := dpkg-dev mandoc
# What the tests and the benchmark use besides: clients, and a compiler for a few small programs.
TEST_TOOLS := curl openssl gcc libc6-dev $(DEB_TOOLS)
SYSTEM_TOOLS := debootstrap systemd-container lintian
BENCH_TOOLS := gcc libc6-dev valgrind nghttp2-client
REQUIREMENTS := Tests/Integration/requirements.txt
SOURCES := Package.swift Sources Tests

.PHONY: help
help:  ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build  ## build, and start otlpd on 127.0.0.1:4317 and :4318 with the SQLite store
	$(BUILD)/otlpd

# The objects are compiled once; OTLPD_STANDALONE only links the daemon with the Swift runtime inside.
.PHONY: build
build: deps  ## build the daemon, release, with the Swift runtime inside
	OTLPD_STANDALONE=1 swift build -c release --product otlpd

.PHONY: tests-built
tests-built: deps
	swift build -c release --build-tests
	OTLPD_STANDALONE=1 swift build -c release --product otlpd

.PHONY: test
test: tests-built test-tools $(VENV)/ready  ## run the unit tests and the black-box tests, and count them
	@Tests/run

.PHONY: test-unit
test-unit: tests-built  ## run the Swift tests only
	@Tests/run unit

.PHONY: test-integration
test-integration: build test-tools $(VENV)/ready  ## run the black-box tests only
	@Tests/run integration

.PHONY: simulate
simulate: tests-built  ## lose power N times as often as `make test` does (SEED=1 N=100)
	OTLPD_SIMULATION_SEED=$(or $(SEED),1) OTLPD_SIMULATION_FACTOR=$(or $(N),100) \
	  swift test -c release --skip-build --disable-xctest --filter SimulationTests

# `make test` runs the quick profile of the same tests; Tests/Integration/faults/README.md has the rows.
FAULTS := $(addprefix Tests/Integration/test_, faults_*.py durability.py journal.py backlog.py delivery.py \
  forwarding.py forwarding_failures.py limits.py abuse.py lifecycle.py compression_and_limits.py)

.PHONY: faults
faults: build test-tools $(VENV)/ready  ## kill, damage, fill and fail the disk: every row, loops N times as long (N=1 SEED=random)
	OTLPD_FAULTS=$(or $(N),1) OTLPD_FAULTS_SEED=$(or $(SEED),$(shell echo $$RANDOM)) \
	  $(VENV)/bin/python -m pytest $(FAULTS)

# In a folder of its own: the sanitizer changes every object.
.PHONY: fuzz
fuzz: deps  ## try damaged inputs with AddressSanitizer (SEED=1 MINUTES=10, or N=10000 for each kind of input)
	swift build -c release --sanitize=address --scratch-path .build-fuzz --product Fuzz
	SWIFT_BACKTRACE=enable=no .build-fuzz/release/Fuzz seed=$(or $(SEED),$$RANDOM) \
	  minutes=$(or $(MINUTES),10) $(if $(N),count=$(N)) $(TARGETS)

.PHONY: check
check: lint test  ## what a commit must pass: lint, tidy test, unit tests, black-box tests

.PHONY: bench
bench: build bench-tools $(VENV)/ready  ## measure the codec, the journal beside the bare disk, the store, and CPU, memory, start-up and size beside rotel and a server that discards
	swift build -c release --product CodecBench
	swift build -c release --product StoreBench
	$(VENV)/bin/python Benchmarks/bench.py $(BUILD)/otlpd

.PHONY: bench-large
bench-large: build bench-tools $(VENV)/ready  ## measure the store with ten million spans in its day file (5 GB of disk)
	swift build -c release --product StoreBench
	$(VENV)/bin/python Benchmarks/bench.py $(BUILD)/otlpd store-large

.PHONY: format
format:  ## format the Swift sources in place
	swift format --in-place --parallel --recursive $(SOURCES)

.PHONY: lint
lint:  ## complain about Swift sources that are not formatted
	swift format lint --strict --parallel --recursive $(SOURCES)

.PHONY: install
install: build install-files  ## install the daemon, its configuration, units, manual and completions under DESTDIR and PREFIX

UNITS ?= $(PREFIX)/lib/systemd/system
SHARE := $(DESTDIR)$(PREFIX)/share

.PHONY: install-files
install-files:
	install -D -m 755 $(BUILD)/otlpd "$(DESTDIR)$(PREFIX)/bin/otlpd"
	test -e "$(DESTDIR)/etc/otlpd/otlpd.yaml" || install -D -m 644 config/otlpd.yaml "$(DESTDIR)/etc/otlpd/otlpd.yaml"
	install -D -m 644 -t "$(DESTDIR)$(UNITS)" systemd/otlpd.service systemd/otlpd.socket
	sed -i 's|/usr/bin/otlpd|$(PREFIX)/bin/otlpd|' "$(DESTDIR)$(UNITS)/otlpd.service"
	install -D -m 644 -t "$(SHARE)/man/man8" docs/man/otlpd.8
	install -D -m 644 -t "$(SHARE)/man/man5" docs/man/otlpd.yaml.5
	install -D -m 644 -t "$(SHARE)/doc/otlpd" README.md docs/*.md config/otlpd.reference.yaml
	@$(call completion,bash,bash-completion/completions/otlpd)
	@$(call completion,zsh,zsh/vendor-completions/_otlpd)
	@$(call completion,fish,fish/vendor_completions.d/otlpd.fish)

# Written by the command line's own library.
completion = install -D -m 644 <($(BUILD)/otlpd --generate-completion-script $(1) | sed '1{/^\#!/d}') "$(SHARE)/$(2)"

.PHONY: deb
deb: build deb-tools  ## build the Debian package into .build/deb
	@packaging/deb

.PHONY: test-system
test-system: build deb-tools system-tools $(VENV)/ready  ## as root: install the package in a container with systemd, and use, upgrade and purge it
	$(VENV)/bin/python -m pytest Tests/System

.PHONY: clean
clean:  ## remove what was built
	rm -rf .build .build-fuzz $(VENV) .pytest_cache

# Debian packages: installed when we may, else named.
missing = $(shell for p in $(1); do dpkg -s $$p 2>/dev/null | grep -q '^Status: .* installed$$' || echo $$p; done)

.PHONY: deps
deps:
	@Tests/apt $(call missing,$(PACKAGES))

.PHONY: test-tools
test-tools:
	@Tests/apt $(call missing,$(TEST_TOOLS))

.PHONY: deb-tools
deb-tools:
	@Tests/apt $(call missing,$(DEB_TOOLS))

.PHONY: system-tools
system-tools:
	@Tests/apt $(call missing,$(SYSTEM_TOOLS))

.PHONY: bench-tools
bench-tools:
	@Tests/apt $(call missing,$(BENCH_TOOLS))

$(VENV)/ready: $(REQUIREMENTS)
	@Tests/venv $(VENV) $(REQUIREMENTS)
	@touch $@
