# One cache for all clones on this machine, apart from them.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/chalkline/target

# Most tests wait, for brokers, for sessions to end and for clocks.
TEST_THREADS ?= $(shell expr 2 \* "$$(nproc)")

.PHONY: help demo test torture bench fmt lint
.DEFAULT_GOAL := help

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Build and run everything with a real course in it
	infra/setup.sh
	cargo build --workspace
	"$(CARGO_TARGET_DIR)/debug/chalkline" demo

test: ## Set up what the tests need and run them all
	infra/setup.sh --test
	RUST_TEST_THREADS=$(TEST_THREADS) cargo test --workspace --no-fail-fast

torture: ## Run the fault matrix with a million ids a fault (half an hour)
	infra/setup.sh --test
	infra/torture/run.sh

bench: ## Measure the stated figures (a release build); STAGES="up peer" only those
	infra/setup.sh --test
	infra/bench/run.sh $(or $(SECONDS),20) $(STAGES)

fmt: ## Format the code
	cargo fmt --all

lint: ## Check format, lints and documentation
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
