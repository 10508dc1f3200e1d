#!/usr/bin/env bash
# Runs the fault matrix with many ids, one fault after the other, and writes what
# came of it to infra/decisions/torture.md.
#
#   infra/torture/run.sh [IDS [FILTER]...]
#
# IDS are sent for each fault (default 1,000,000). With FILTERs only tests run
# whose names contain one. The binary is that of `make test`, or CHALKLINE_BIN.
# Needs 2 GiB of disk, and leaves nothing of it behind.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
ids=${1:-1000000}
shift || true
command="infra/torture/run.sh $ids${*:+ $*}"
# How long one fault may take.
limit=${CHALKLINE_TORTURE_LIMIT:-3600}
# As in production; the brokers of `make test` are quicker to start.
export CHALKLINE_KAFKA_JIT=${CHALKLINE_KAFKA_JIT:-4}

built=$(cargo test --workspace --test it --no-run --message-format json)
program=$(sed -n 's/.*"src_path":"[^"]*\/tests\/tests\/it\/main.rs".*"executable":"\([^"]*\)".*/\1/p' <<<"$built")
[[ -x $program ]] || { echo "run.sh: the tests were not built" >&2; exit 1; }

# Those that put a fault on its trial.
matrix='^(kill::|group::(members|a_member|partitions)|moments::|s3::(up_|transform_)|maintain::under_load|faults::)'
mapfile -t tests < <(cd tests && "$program" --list 2>/dev/null | sed -n 's/: test$//p' | grep -E "$matrix")
wanted() { # TEST FILTER...
  local test=$1 filter
  shift
  (($# == 0)) && return
  for filter; do [[ $test == *"$filter"* ]] && return; done
  return 1
}

rows=$(mktemp)
logs=$(mktemp -d)
trap 'rm -rf "$rows" "$logs"' EXIT
export CHALKLINE_TORTURE_IDS=$ids CHALKLINE_TORTURE_REPORT=$rows
failed=0
for test in "${tests[@]}"; do
  wanted "$test" "$@" || continue
  echo "$(date --utc +%H:%M:%S) $test" >&2
  if ! (cd tests && timeout --signal INT "$limit" "$program" --exact "$test" --nocapture) >"$logs/last" 2>&1; then
    failed=1
    echo "| **FAILED** $test | | | | | | | | | |" >>"$rows"
    tail -n 80 "$logs/last" >&2
  fi
  tail -n 1 "$rows" >&2
done

revision=$(git rev-parse --short HEAD)
[[ -z $(git status --porcelain --untracked-files=no -- . ':!infra/decisions') ]] || revision+=" and changes"
processor=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)
memory=$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
report=infra/decisions/torture.md
{
  cat <<MARKDOWN
# Torture: the fault matrix at $ids ids

What \`$command\` last said, each fault by itself, all of it on one machine: $(nproc) cores of $processor, $memory. $(date --utc +%Y-%m-%d), commit $revision, $("${CHALKLINE_BIN:-$(dirname "$program")/../chalkline}" --version), ${CHALKLINE_BIN:-dev profile}.

*Distinct* are the ids that another engine (delta-rs in Python) finds in the tables; *lost* were answered \`accepted\` and are not there, *doubled* are there twice. In each the ledger balanced. \`tests/README.md\` says where each fault is tested.

| fault | log, store | ids sent | distinct in tables | lost | doubled | quarantined | in \`duplicates\` | times it happened | seconds |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
MARKDOWN
  cat "$rows"
} >"$report"
cat "$report"
exit $failed
