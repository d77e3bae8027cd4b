#!/bin/sh
# The `longshore` command of a release: its own Node, wherever links lead here from.
set -eu
release=$(dirname "$(dirname "$(readlink -f "$0")")")
# Where `install.sh control` made a certificate, whoever may read it trusts it.
own=/var/lib/longshore-control/tls-cert.pem
if [ -r "$own" ]; then export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$own}"; fi
exec "$release/bin/node" "$release/lib/longshore.mjs" "$@"
