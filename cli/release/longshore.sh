#!/bin/sh
# The `longshore` command of a release: its own Node, wherever links lead here from.
set -eu
release=$(dirname "$(dirname "$(readlink -f "$0")")")
exec "$release/bin/node" "$release/lib/longshore.mjs" "$@"
