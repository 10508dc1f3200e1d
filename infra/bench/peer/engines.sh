#!/usr/bin/env bash
# Installs DuckDB and chDB, with what reads a table's log for them; prints the
# interpreter that has them. Run again it does nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${CHALKLINE_PEER_DIR:-$HOME/.cache/chalkline/peer}/engines

if ! cmp -s "$here/engines/requirements.txt" "$dir/requirements.txt"; then
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    echo "engines.sh: missing: python3 with venv (Debian: python3-venv)" >&2
    exit 1
  fi
  rm -rf "$dir/venv" "$dir/requirements.txt"
  mkdir -p "$dir"
  python3 -m venv "$dir/venv"
  "$dir/venv/bin/pip" install --quiet --requirement "$here/engines/requirements.txt" >&2
  # Last: its presence says that the folder is complete.
  cp "$here/engines/requirements.txt" "$dir/requirements.txt"
fi
echo "$dir/venv/bin/python"
