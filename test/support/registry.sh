#!/usr/bin/env bash
# Prints the path of Debian's docker-registry: this machine's own, or the package's, unpacked once into a cache.
set -euo pipefail

. "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/debian-package.sh"

if command -v docker-registry; then exit 0; fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/longshore-test
program=$cache/docker-registry/usr/bin/docker-registry
mkdir -p "$cache"
# Test files run side by side and may all come here first.
exec 9>"$cache/lock"
flock 9
if [ ! -x "$program" ]; then
  rm -rf "$cache/docker-registry" "$cache/docker-registry.new"
  unpack_package docker-registry "$cache/docker-registry.new" >&2
  mv "$cache/docker-registry.new" "$cache/docker-registry" # whole or not there
fi
echo "$program"
