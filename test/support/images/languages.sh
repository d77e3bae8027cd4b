#!/usr/bin/env bash
# Makes the images that recipes build from, as far as they can be had without pulling any.
#
#   languages.sh       longshore-test/{node,python,caddy,ruby,composer,php,golang,debian}:… under the tags that recipes name
#
# Node is the one the tests run on, with this machine's npm; the others are Debian's. The rest of each image is busybox.
# Versions are not what the tags say: the recipes are tried, not the languages.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../debian-package.sh"
. "$HERE/stand-in.sh"
. "$HERE/debian.sh"
for language in "$HERE"/languages/*.sh; do . "$language"; done
REVISION=$(find "$HERE"/{languages,stand-in,debian}.sh "$HERE/languages" -type f -print0 | sort -z | xargs -0 cat | sha256sum | cut -c1-12)
NODE=${NODE:-$(readlink -f "$HERE/../../../node_modules/.bin/node")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

node_root() {
  tar=$work/node.tar
  [ ! -e "$tar" ] || return 0
  local root=$work/node npm
  system "$root"
  install "$NODE" "$root/usr/local/bin/node"
  libraries "$root" "$NODE"
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  mkdir -p "$root/usr/local/lib/node_modules/npm"
  (cd "$npm" && cp -R bin lib node_modules index.js package.json "$root/usr/local/lib/node_modules/npm")
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  pack "$root" "$tar"
}

python_root() {
  tar=$work/python.tar
  [ ! -e "$tar" ] || return 0
  local root=$work/python
  system "$root"
  unpack_packages "$root" $(python_packages)
  ln -s python3 "$root/usr/bin/python"
  libraries "$root" "$root"/usr/bin/python3.* "$root"/usr/lib/python3.*/lib-dynload/*.so
  pack "$root" "$tar"
}

# Of all that an environment needs only Python's own packages.
python_packages() {
  cached apt-cache depends --recurse --no-{recommends,suggests,conflicts,breaks,replaces,enhances} python3-venv |
    grep -E '^(lib)?python3' | sort -u
}

caddy_root() {
  tar=$work/caddy.tar
  [ ! -e "$tar" ] || return 0
  local root=$work/caddy
  system "$root"
  unpack_package caddy "$root/package"
  install "$root/package/usr/bin/caddy" "$root/usr/bin/caddy"
  rm -rf "$root/package"
  libraries "$root" "$root/usr/bin/caddy"
  pack "$root" "$tar"
}

PATHS=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# language ROOT 'TAG...' VARIABLE... : one image for building and for running, under each of these tags.
language() {
  local root=$1 tags=($2) alias
  shift 2
  import_image "longshore-test/${tags[0]}" "$root" "$REVISION" "ENV $PATHS $*" 'CMD ["sh"]'
  for alias in "${tags[@]:1}"; do docker tag "longshore-test/${tags[0]}" "longshore-test/$alias"; done
}

once
language node_root 'node:24 node:24-slim' &
language python_root 'python:3.13 python:3.13-slim' &
language caddy_root caddy:2.10-alpine &
language ruby_root 'ruby:3.4 ruby:3.4-slim' GEM_HOME=/usr/local/bundle BUNDLE_APP_CONFIG=/usr/local/bundle LANG=C.UTF-8 &
language php_root 'php:8.4-apache composer:2.8' COMPOSER_ALLOW_SUPERUSER=1 &
language go_root golang:1.24 CGO_ENABLED=0 & # without a compiler of C
language system_root debian:trixie-slim &
all_made
