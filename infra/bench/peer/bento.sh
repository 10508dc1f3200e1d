#!/usr/bin/env bash
# Builds Bento with those of its parts that bento/main.go names; prints the folder
# that it is in. Run again it does nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${CHALKLINE_PEER_DIR:-$HOME/.cache/chalkline/peer}/bento

if ! cmp -s "$here/bento/go.sum" "$dir/go.sum"; then
  # Where Go's own instructions put it.
  PATH=$PATH:/usr/local/go/bin
  if ! command -v go >/dev/null; then
    echo "bento.sh: missing: go 1.24 or newer: https://go.dev/dl" >&2
    exit 1
  fi
  rm -f "$dir/go.sum"
  mkdir -p "$dir"
  # Two at a time: each may take a gigabyte.
  (cd "$here/bento" && go build -p 2 -o "$dir/bento" .)
  # Last: its presence says that the folder is complete.
  cp "$here/bento/go.sum" "$dir/go.sum"
fi
echo "$dir"
