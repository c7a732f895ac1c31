# Every target sets up what it needs on a fresh Debian machine, as root or with sudo, and says what it installs.

.PHONY: help build demo test chaos fuzz screenshots lint bench book
.DEFAULT_GOAL := help

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-11s %s\n' "$$name" "$$text"; done

build: ## Build the one binary, `stoa`
	@scripts/build

demo: ## Start a server, walk through the main job, move a whole organization in, keep serving the panel
	@scripts/demo

test: ## Everything that CI checks, on SQLite and PostgreSQL, in a browser, and the demo as a whole-system test
	@scripts/test

chaos: ## Faults for as long as you like; DURATION=30m DATABASE=sqlite|postgres SEED=n LONGEST=60s
	@scripts/chaos --duration $(or $(DURATION),5m) --database $(or $(DATABASE),sqlite) $(if $(SEED),--seed $(SEED)) \
	  $(if $(LONGEST),--longest $(LONGEST))

fuzz: ## Inputs that nobody thought of; TARGET=bodies|reports|states|envelope DURATION=10m
	@scripts/fuzz $(or $(TARGET),bodies) $(or $(DURATION),10m)

screenshots: ## Write every page of the panel, light and dark, wide and narrow, to docs/img
	@scripts/browser --screenshots

lint: ## Formatting, clippy, tidy, documentation, scripts, licences
	@scripts/lint

bench: ## Measure, as ratios against a baseline of the same run; BENCH="--help" for choices
	@scripts/bench $(BENCH)

book: ## Build the guides into target/book
	@scripts/book
