#!/usr/bin/env bash
# Runs the fault matrix with many ids, one fault after the other, and writes what
# came of each to infra/decisions/torture.md as soon as it has ended: the rows of
# faults that this run leaves out stay, with the commit that they are of.
#
#   infra/torture/run.sh [IDS [FILTER]...]
#
# Last it has both services asked in many ways what their documents tell (openapi::),
# and everybody under many rules what they see (seen::differential::).
#
# IDS are sent for each fault (default 1,000,000). With FILTERs only tests run
# whose names contain one. The binary is a release build, or CHALKLINE_BIN.
# Needs 2 GiB of disk, and leaves nothing of it behind.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
ids=${1:-1000000}
shift || true
# How long one fault may take.
limit=${CHALKLINE_TORTURE_LIMIT:-3600}
# As in production; the brokers of `make test` are quicker to start.
export CHALKLINE_KAFKA_JIT=${CHALKLINE_KAFKA_JIT:-4}

built=$(cargo test --workspace --test it --no-run --message-format json)
program=$(sed -n 's/.*"src_path":"[^"]*\/tests\/tests\/it\/main.rs".*"executable":"\([^"]*\)".*/\1/p' <<<"$built")
query=$(sed -n 's/.*"src_path":"[^"]*\/query\/tests\/it\/main.rs".*"executable":"\([^"]*\)".*/\1/p' <<<"$built")
[[ -x $program && -x $query ]] || { echo "run.sh: the tests were not built" >&2; exit 1; }
if [[ -z ${CHALKLINE_BIN:-} ]]; then
  # The whole workspace at once, so that its dependencies are built once.
  built=$(cargo build --workspace --release --bins --message-format json)
  CHALKLINE_BIN=$(sed -n 's/.*"executable":"\([^"]*\/chalkline\)".*/\1/p' <<<"$built")
  [[ -x $CHALKLINE_BIN ]] || { echo "run.sh: the binary was not built" >&2; exit 1; }
  export CHALKLINE_BIN
fi

# Those that put a fault on its trial.
matrix='^(kill::|group::(members|a_member|partitions)|moments::|s3::(up_|transform_)|maintain::under_load|spool::|faults::)'
mapfile -t tests < <(cd tests && "$program" --list 2>/dev/null | sed -n 's/: test$//p' | grep -E "$matrix")
wanted() { # TEST FILTER...
  local test=$1 filter
  shift
  (($# == 0)) && return
  for filter; do [[ $test == *"$filter"* ]] && return; done
  return 1
}

revision=$(git rev-parse --short HEAD)
[[ -z $(git status --porcelain --untracked-files=no -- . ':!infra/decisions') ]] || revision+=" and changes"
processor=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)
memory=$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
today=$(date --utc +%Y-%m-%d)
report=infra/decisions/torture.md

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What is known of faults that exist, by the test in the last column but two.
touch "$work/known"
[[ ! -e $report ]] || grep -E '^\| .* \| `[a-z0-9_:]+` \| [^|]+ \| [0-9-]+ \|$' "$report" >"$work/known" || true

write() {
  {
    cat <<MARKDOWN
# Torture: the fault matrix

What \`infra/torture/run.sh\` last said, each fault by itself, all of it on one machine: $(nproc) cores of $processor, $memory.

*Distinct* are the ids that another engine (delta-rs in Python) finds in the tables; *lost* were answered \`accepted\` and are not there, *doubled* are there twice. In each the ledger balanced. \`tests/README.md\` says what each test does. **not run**: not to its end with so many; \`make test\` runs each fault with 20,000. The seconds depend on what else the machine did.

| fault | log, store | ids sent | distinct in tables | lost | doubled | quarantined | in \`duplicates\` | times it happened | seconds | test | commit | day |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- | --- |
MARKDOWN
    for test in "${tests[@]}"; do
      grep -F "| \`$test\` |" "$work/known" || echo "| **not run** | | | | | | | | | | \`$test\` | | |"
    done
  } >"$report"
}

export CHALKLINE_TORTURE_IDS=$ids CHALKLINE_TORTURE_REPORT=$work/rows
failed=0
for test in "${tests[@]}"; do
  wanted "$test" "$@" || continue
  echo "$(date --utc +%H:%M:%S) $test" >&2
  : >"$work/rows"
  if ! (cd tests && timeout --signal INT "$limit" "$program" --exact "$test" --nocapture) >"$work/log" 2>&1; then
    failed=1
    echo "| **FAILED** | | | | | | | | | |" >"$work/rows"
    { tail -n 80 "$work/log"; grep -A 5 ' panicked at ' "$work/log"; } >&2 || true
  fi
  cat "$work/rows" >&2
  grep -vF "| \`$test\` |" "$work/known" >"$work/others" || true
  sed "s/\$/ \`$test\` | $revision | $today |/" "$work/rows" | cat "$work/others" - >"$work/known"
  write
done

# Whatever else is asked, in many more ways than `make test` tries.
if wanted openapi:: "$@"; then
  echo "$(date --utc +%H:%M:%S) openapi::" >&2
  if ! (cd tests && CHALKLINE_TORTURE_EXAMPLES=200 timeout --signal INT "$limit" "$program" openapi:: --nocapture) >"$work/log" 2>&1; then
    failed=1
    tail -n 200 "$work/log" >&2
  fi
fi
if wanted seen::differential:: "$@"; then
  echo "$(date --utc +%H:%M:%S) seen::differential::" >&2
  if ! (cd query && CHALKLINE_TORTURE_POLICIES=60 timeout --signal INT "$limit" "$query" seen::differential:: --nocapture) >"$work/log" 2>&1; then
    failed=1
    tail -n 200 "$work/log" >&2
  fi
fi
exit $failed
