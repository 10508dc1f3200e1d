#!/usr/bin/env bash
# Builds for release, measures the stated figures and prints them as Markdown.
#
#   infra/bench/run.sh [SECONDS [STAGE]...]
#
# SECONDS is how long each load lasts (default 20). Without a stage those are
# measured that need not be named; README.md tells of each. BENCH_ROWS is how many events
# questions are asked about. CHALKLINE_BENCH_PROFILE=dev tries it out without a release build;
# such figures mean nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
export CHALKLINE_BENCH_SECONDS=${1:-20}
# As in production; the tests' brokers are quicker to start.
export CHALKLINE_KAFKA_JIT=${CHALKLINE_KAFKA_JIT:-4}
profile=${CHALKLINE_BENCH_PROFILE:-release}

infra/kafka/fetch.sh >/dev/null
# The whole workspace at once, so that its dependencies are built once.
cargo build --workspace --profile "$profile" --bins --examples >&2
target=$(cargo metadata --no-deps --offline --format-version 1 |
  sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
[[ $profile == dev ]] && profile=debug
exec "$target/$profile/examples/bench" "${@:2}"
