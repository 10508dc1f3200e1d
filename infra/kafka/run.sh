#!/usr/bin/env bash
# Runs one Apache Kafka broker on 127.0.0.1, in the foreground:
#
#   run.sh DATA_DIR [BROKER_PORT [CONTROLLER_PORT]]
#
# Formats DATA_DIR the first time. Free ports are chosen where none are given.
# CHALKLINE_KAFKA_HEAP sets the Java heap (default 512m), CHALKLINE_KAFKA_JIT how
# far Java compiles it: 1 for short lives, 4 (default) for loads.
#
# With CHALKLINE_KAFKA_NODE (1, 2 or 3) and CHALKLINE_KAFKA_VOTERS (the same for
# all, 1@HOST:CONTROLLER_PORT,2@…,3@…) it is one of a cluster of three.
#
# With CHALKLINE_KAFKA_SECURE_PORT it listens there too, with TLS and SASL PLAIN,
# SCRAM-SHA-512 and, if CHALKLINE_KAFKA_JWKS names a file with the keys of
# tokens, OAUTHBEARER. The user is "chalkline", the password that of
# CHALKLINE_KAFKA_PASSWORD; DATA_DIR/tls/ca.pem is the authority to trust.
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

node=${CHALKLINE_KAFKA_NODE:-1}
voters=${CHALKLINE_KAFKA_VOTERS:-1@127.0.0.1:$controller}
replicas=1
in_sync=1
if [[ $voters == *,* ]]; then
  replicas=3
  in_sync=2
fi

jars=$("$here/fetch.sh")/jars
mkdir -p "$data"
data=$(cd "$data" && pwd)
secure=${CHALKLINE_KAFKA_SECURE_PORT:-}
jwks=${CHALKLINE_KAFKA_JWKS:-}
advertised=BROKER://127.0.0.1:$broker${secure:+,SECURE://127.0.0.1:$secure}
cat >"$data/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$node
listeners=$advertised,CONTROLLER://127.0.0.1:$controller
advertised.listeners=$advertised
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT${secure:+,SECURE:SASL_SSL}
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
controller.quorum.voters=$voters
log.dirs=$data/log
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=$replicas
min.insync.replicas=$in_sync
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$in_sync
group.initial.rebalance.delay.ms=0
PROPERTIES

scram=()
oauth=()
if [[ $secure ]]; then
  password=${CHALKLINE_KAFKA_PASSWORD:?is needed with CHALKLINE_KAFKA_SECURE_PORT}
  scram=(--add-scram "SCRAM-SHA-512=[name=chalkline,password=$password]")
  "$here/certificates.sh" "$data/tls"
  cat >>"$data/server.properties" <<PROPERTIES
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location=$data/tls/broker.pem
listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512${jwks:+,OAUTHBEARER}
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_chalkline="$password";
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
PROPERTIES
fi
if [[ $secure && $jwks ]]; then
  # Kafka opens only the files and addresses that it is told to.
  oauth=("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://$jwks"
    "-Dorg.apache.kafka.sasl.oauthbearer.allowed.files=$jwks")
  cat >>"$data/server.properties" <<PROPERTIES
listener.name.secure.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
listener.name.secure.oauthbearer.sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler
listener.name.secure.sasl.oauthbearer.jwks.endpoint.url=file://$jwks
listener.name.secure.sasl.oauthbearer.expected.audience=kafka
PROPERTIES
fi

java=(java -XX:+UseSerialGC -XX:TieredStopAtLevel="${CHALKLINE_KAFKA_JIT:-4}" -cp "$jars/*"
  -Dlog4j2.configurationFile="$here/log4j2.properties")
if [[ ! -e $data/log/meta.properties ]]; then
  "${java[@]}" -Xmx128m kafka.tools.StorageTool format --ignore-formatted \
    --cluster-id Q2hhbGtsaW5lS2Fma2FfXw --config "$data/server.properties" "${scram[@]}" >&2
fi
echo "127.0.0.1:$broker"
exec "${java[@]}" "${oauth[@]}" -Xmx"${CHALKLINE_KAFKA_HEAP:-512m}" kafka.Kafka "$data/server.properties" >&2
