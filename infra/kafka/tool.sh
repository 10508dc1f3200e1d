#!/usr/bin/env bash
# Runs one of Apache Kafka's own command line tools:
#
#   tool.sh consumer-groups --bootstrap-server HOST:PORT --describe --group NAME
#   tool.sh topics --bootstrap-server HOST:PORT --alter --topic NAME --partitions N
#
# `tool.sh fetch` only fetches them; the others do so when it was not done.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${CHALKLINE_KAFKA_TOOLS_DIR:-$HOME/.cache/chalkline/kafka-tools}

case ${1:-} in
  fetch) class= ;;
  consumer-groups) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
  topics) class=org.apache.kafka.tools.TopicCommand ;;
  *)
    echo "usage: tool.sh fetch | consumer-groups … | topics …" >&2
    exit 2
    ;;
esac
shift
CHALKLINE_KAFKA_DIR=$dir CHALKLINE_KAFKA_POM=$here/tools/pom.xml "$here/fetch.sh" >/dev/null
[[ $class ]] || exit 0
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx128m -cp "$dir/jars/*" \
  -Dlog4j2.configurationFile="$here/log4j2.properties" "$class" "$@"
