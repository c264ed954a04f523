# Thin: Meson and ninja build, tools/ does the rest. `make help` lists what there is.
BUILD ?= build
# On a system that is not Debian: make SETUP=true
SETUP ?= tools/setup
SLIDE ?=
# Of make demo: s3, or nothing for a folder
STORE ?=
# Of make train: one with torch
PYTHON ?= /usr/bin/python3
ONLY ?=
# Of make chaos and make fuzz: how long. SEED, of the former and of make simulation: to repeat what it was.
SECONDS ?= 60
SEED ?=
PREFIX ?= /usr/local

.PHONY: help setup build test demo bench fuzz simulation chaos chaos-bugs conformance readers identity explorer graphile-worker s3-server train bench-accuracy check nightly install clean
.DEFAULT_GOAL := build

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

setup: ## install the Debian packages that are missing
	@$(SETUP)

$(BUILD)/build.ninja: | setup
	meson setup $(BUILD) --buildtype=release --prefix=$(PREFIX)

build: setup $(BUILD)/build.ninja ## build everything (release) into build/
	ninja -C $(BUILD)

test: build ## unit, integration, layers and tidy
	tools/dev test --build $(BUILD)

demo: build ## run one slide through the whole platform [SLIDE=file STORE=s3]
	BUILD=$(BUILD) SLIDE="$(SLIDE)" STORE="$(STORE)" tools/demo

bench: build ## measure; one line a figure [ONLY=prefix of its name]
	tools/bench --build $(BUILD) $(if $(ONLY),--only "$(ONLY)")

chaos: build ## kill, freeze and cut off everything while clients work, then prove that nothing is lost [SECONDS=n SEED=n]
	tests/chaos/chaos.py --build $(BUILD) --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

chaos-bugs: build ## plant six bugs, which chaos must find [SEED=n]
	tests/chaos/chaos.py --build $(BUILD) $(if $(SEED),--seed $(SEED)) --bugs

simulation: build ## months of a busy platform by the scheduler's rule [SEED=number]
	$(BUILD)/tests/simulation/simulation $(if $(SEED),--seed $(SEED))

train: ## train he-tme's models again, some hours; goes on where it was stopped [TEST_DATA=folder ONLY=model SEED=n]
	$(SETUP) train
	$(PYTHON) tools/train/train.py --data "$(TEST_DATA)" --work $(BUILD)/train $(if $(ONLY),--only "$(ONLY)") $(if $(SEED),--seed $(SEED))

bench-accuracy: build ## how well he-tme finds nuclei that its model has not learned, and artifacts [TEST_DATA=folder]
	status=0; \
	tests/accuracy/nucleus_accuracy.py --build $(BUILD) --data "$(TEST_DATA)" || status=1; \
	tests/accuracy/quality_accuracy.py --build $(BUILD) --data "$(TEST_DATA)" || status=1; \
	exit $$status

fuzz: setup ## fuzz the readers of slides, networks and requests to buckets [SECONDS=n for each]
	tools/fuzz --seconds $(SECONDS)

check: setup ## what CI does
	.ci/run

nightly: check ## what CI does, and what is longer: every figure, simulations, planted bugs, half an hour of chaos, all of the sanitizers and fuzzers
	tools/bench --build $(BUILD)
	$(BUILD)/tests/simulation/simulation
	S3_LARGE_BYTES=5000000000 meson test -C $(BUILD) --no-rebuild --timeout-multiplier 4 store_copy
	CLAIM_STATES=10000 QUEUE_STATES=300 meson test -C $(BUILD) --no-rebuild --timeout-multiplier 4 \
	    claims queue_positions
	tools/dev sanitize --suite=waiting
	tests/chaos/chaos.py --build $(BUILD) --bugs
	tests/chaos/chaos.py --build $(BUILD) --seconds 1800
	tools/conformance --build $(BUILD) --seconds 600
	tools/fuzz --seconds 600

conformance: build ## the API against the official client and schemathesis (from PyPI)
	tools/conformance --build $(BUILD) --only conformance

readers: build ## the files of he-tme in pyarrow, DuckDB, GeoPandas, tifffile and OpenSlide 4 (from PyPI)
	tools/conformance --build $(BUILD) --only readers

identity: build ## logins with Chromium at oidc-provider and at the embedded issuer
	$(SETUP) browser
	tools/identity --build $(BUILD)

graphile-worker: ## fetch the queue that the bench compares ours with (from the npm registry)
	tools/graphile_worker $(BUILD)/graphile_worker

s3-server: ## fetch and build the S3 server that tests of the object store use (Go modules)
	tools/s3_server $(BUILD)/s3_server

explorer: build ## add the page /api/v1/docs (Swagger UI, from the npm registry)
	tools/explorer $(BUILD)/explorer

install: build ## install into PREFIX (/usr/local)
	meson install -C $(BUILD) --no-rebuild

clean: ## remove what was built
	rm -rf build build-*
