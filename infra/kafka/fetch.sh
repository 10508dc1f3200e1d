#!/usr/bin/env bash
# Fetches the jars of the Apache Kafka broker and prints the folder they are in.
# Does nothing when the same pom.xml was fetched before. tool.sh names another.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${CHALKLINE_KAFKA_DIR:-$HOME/.cache/chalkline/kafka}
pom=${CHALKLINE_KAFKA_POM:-$here/pom.xml}

if ! cmp -s "$pom" "$dir/pom.xml"; then
  missing=()
  command -v java >/dev/null || missing+=("java 17 or newer (Debian: default-jre-headless)")
  command -v mvn >/dev/null || missing+=("mvn (Debian: maven)")
  if ((${#missing[@]})); then
    printf 'fetch.sh: missing: %s\n' "${missing[@]}" >&2
    exit 1
  fi
  rm -rf "$dir/jars.new" "$dir/pom.xml"
  mkdir -p "$dir"
  mvn --batch-mode --quiet --file "$pom" dependency:copy-dependencies \
    -DoutputDirectory="$dir/jars.new" -DincludeScope=runtime >&2
  rm -rf "$dir/jars"
  mv "$dir/jars.new" "$dir/jars"
  # Last: its presence says that the folder is complete.
  cp "$pom" "$dir/pom.xml"
fi
echo "$dir"
