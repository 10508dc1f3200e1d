#!/usr/bin/env bash
# Fetches Apache Flink's jars and compiles Peer.java against them; prints the
# class path. Run again it does nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${CHALKLINE_PEER_DIR:-$HOME/.cache/chalkline/peer}

CHALKLINE_KAFKA_DIR=$dir CHALKLINE_KAFKA_POM=$here/pom.xml "$here/../../kafka/fetch.sh" >/dev/null
if ! cmp -s "$here/Peer.java" "$dir/Peer.java"; then
  if ! command -v javac >/dev/null; then
    echo "setup.sh: missing: javac 17 or newer (Debian: default-jdk-headless)" >&2
    exit 1
  fi
  rm -rf "$dir/classes" "$dir/Peer.java"
  javac -d "$dir/classes" -cp "$dir/jars/*" "$here/Peer.java" >&2
  # Last: its presence says that the folder is complete.
  cp "$here/Peer.java" "$dir/Peer.java"
fi
echo "$dir/classes:$dir/jars/*"
