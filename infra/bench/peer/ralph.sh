#!/usr/bin/env bash
# Installs Ralph, and a database for it to write to; prints the folder that they are
# in. Run again it does nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${CHALKLINE_PEER_DIR:-$HOME/.cache/chalkline/peer}/ralph

CHALKLINE_KAFKA_DIR=$dir CHALKLINE_KAFKA_POM=$here/ralph/pom.xml \
  "$here/../../kafka/fetch.sh" >/dev/null
if ! cmp -s "$here/ralph/Database.java" "$dir/Database.java"; then
  if ! command -v javac >/dev/null; then
    echo "ralph.sh: missing: javac 17 or newer (Debian: default-jdk-headless)" >&2
    exit 1
  fi
  rm -rf "$dir/classes" "$dir/Database.java"
  javac -d "$dir/classes" -cp "$dir/jars/*" "$here/ralph/Database.java" >&2
  # Last: its presence says that the folder is complete.
  cp "$here/ralph/Database.java" "$dir/Database.java"
fi
if ! cmp -s "$here/ralph/requirements.txt" "$dir/requirements.txt"; then
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    echo "ralph.sh: missing: python3 with venv (Debian: python3-venv)" >&2
    exit 1
  fi
  rm -rf "$dir/venv" "$dir/requirements.txt"
  python3 -m venv "$dir/venv"
  "$dir/venv/bin/pip" install --quiet --requirement "$here/ralph/requirements.txt" >&2
  cp "$here/ralph/requirements.txt" "$dir/requirements.txt"
fi
echo "$dir"
