#!/usr/bin/env bash
# Runs one Apache Kafka broker on 127.0.0.1, in the foreground:
#
#   run.sh DATA_DIR [BROKER_PORT [CONTROLLER_PORT]]
#
# Formats DATA_DIR the first time. Free ports are chosen where none are given.
# CHALKLINE_KAFKA_HEAP sets the Java heap (default 512m).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
data=${1:?usage: run.sh DATA_DIR [BROKER_PORT [CONTROLLER_PORT]]}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); listens "$port"; do :; done
  echo "$port"
}
broker=${2:-$(free_port)}
controller=${3:-$(free_port)}

jars=$("$here/fetch.sh")/jars
mkdir -p "$data"
data=$(cd "$data" && pwd)
cat >"$data/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
listeners=BROKER://127.0.0.1:$broker,CONTROLLER://127.0.0.1:$controller
advertised.listeners=BROKER://127.0.0.1:$broker
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:$controller
log.dirs=$data/log
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
PROPERTIES

java=(java -XX:+UseSerialGC -XX:TieredStopAtLevel="${CHALKLINE_KAFKA_JIT:-4}" -cp "$jars/*"
  -Dlog4j2.configurationFile="$here/log4j2.properties")
if [[ ! -e $data/log/meta.properties ]]; then
  "${java[@]}" -Xmx128m kafka.tools.StorageTool format --ignore-formatted \
    --cluster-id Q2hhbGtsaW5lS2Fma2FfXw --config "$data/server.properties" >&2
fi
echo "127.0.0.1:$broker"
exec "${java[@]}" -Xmx"${CHALKLINE_KAFKA_HEAP:-512m}" kafka.Kafka "$data/server.properties" >&2
