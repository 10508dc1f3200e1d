#!/usr/bin/env bash
# Makes an authority and a certificate for a broker on 127.0.0.1, for tests and
# trials: DIR/ca.pem to trust, DIR/broker.pem with the broker's key. Done once.
#
#   certificates.sh DIR
set -euo pipefail

dir=${1:?usage: certificates.sh DIR}
[[ -e $dir/broker.pem ]] && exit
umask 077
mkdir -p "$dir"
cd "$dir"

new_key=(-newkey rsa:2048 -noenc)
openssl req -x509 "${new_key[@]}" -keyout ca.key -out ca.pem \
  -days 30 -subj "/CN=Chalkline trial authority" 2>/dev/null
openssl req "${new_key[@]}" -keyout broker.key -out broker.csr -subj "/CN=127.0.0.1" 2>/dev/null
openssl x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
  -extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost") -out broker.crt 2>/dev/null
# Last: its presence says that all is there.
cat broker.key broker.crt ca.pem >broker.new
mv broker.new broker.pem
