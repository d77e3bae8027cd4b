#!/usr/bin/env bash
# Prints the folder of Debian's BIND (named, with the libraries that this machine lacks), unpacked once into a cache.
set -euo pipefail

. "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/debian-package.sh"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/longshore-test
folder=$cache/bind9
mkdir -p "$cache"
# Test files run side by side and may all come here first.
exec 9>"$cache/lock.bind9"
flock 9
if [ ! -x "$folder/usr/sbin/named" ]; then
  rm -rf "$folder" "$folder.new"
  package_lists
  # What apt would install beside it, whatever these are called in this release.
  mapfile -t packages < <(apt-get install --simulate --no-install-recommends bind9 | awk '$1 == "Inst" { print $2 }')
  unpack_packages "$folder.new" "${packages[@]:-bind9}" >&2
  mv "$folder.new" "$folder" # whole or not there
fi
echo "$folder"
