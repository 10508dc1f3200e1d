#!/usr/bin/env bash
# Sets up in a PostgreSQL database (15 or newer) what Chalkline reads and is given there:
#
#   setup.sh [--seed] CONNECTION        with the reference LMS; --seed adds a small school
#   setup.sh --views FILE CONNECTION    beside an LMS of one's own, with views of FILE
#
# CONNECTION is what psql takes: postgresql://owner@host/database, or a name. All or
# nothing is done. Run again it changes nothing; after a change of the files, that.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() {
  echo "usage: infra/postgres/setup.sh [--seed | --views FILE] CONNECTION" >&2
  exit 2
}
files=(watermark schema enroll audit outbox events views roles application)
case ${1:-} in
  --seed)
    files+=(seed)
    shift
    ;;
  --views)
    [[ -f ${2:-} ]] || usage
    views=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
    files=(watermark outbox "$views" roles)
    shift 2
    ;;
esac
[[ $# == 1 && $1 != -* ]] || usage

arguments=()
for file in "${files[@]}"; do
  [[ $file == /* ]] || file=$here/$file.sql
  arguments+=(--file "$file")
done
# Not "already exists, skipping"; and nothing of the caller's own psqlrc.
PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning" exec psql --no-psqlrc --quiet \
  --set ON_ERROR_STOP=1 --single-transaction --output /dev/null "${arguments[@]}" --dbname "$1"
