#!/usr/bin/env bash
# Makes the images that recipes build from, as far as they can be had without pulling any.
#
#   languages.sh       longshore-test/{node,python,caddy}:… under the tags that recipes name
#
# Node is the one the tests run on, with this machine's npm; Python and Caddy are Debian's. Shared libraries are copied
# from this machine, the rest of each image is busybox. Versions are not what the tags say: the recipes are tried, not
# the languages.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../debian-package.sh"
. "$HERE/stand-in.sh"
REVISION=$(cat "$HERE"/{languages,stand-in}.sh | sha256sum | cut -c1-12)
NODE=${NODE:-$(readlink -f "$HERE/../../../node_modules/.bin/node")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# system ROOT: a root file system that packages of Debian fit into.
system() {
  mkdir -p "$1"/{dev,etc,proc,root,sys,tmp,var,usr/{bin,lib,lib64,local/bin,local/lib}}
  chmod 1777 "$1/tmp"
  ln -s usr/bin "$1/bin"
  ln -s usr/bin "$1/sbin"
  ln -s usr/lib "$1/lib"
  ln -s usr/lib64 "$1/lib64"
  applets "$1/usr/bin"
  printf 'root:x:0:0:root:/root:/bin/sh\n' >"$1/etc/passwd"
  printf 'root:x:0:\n' >"$1/etc/group"
}

# libraries ROOT FILE...: the shared libraries that these programs and modules load.
libraries() {
  local root=$1 library
  shift
  ldd "$@" 2>/dev/null | grep -oE '/[^ ]+\.so[^ ]*' | sort -u | while read -r library; do
    [ ! -e "$library" ] || [ -e "$root$library" ] || install -D "$(readlink -f "$library")" "$root$library"
  done
}

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
  apt-cache depends --recurse --no-{recommends,suggests,conflicts,breaks,replaces,enhances} python3-venv |
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

# language ROOT TAG ALIAS...: one image for building and for running.
language() {
  local root=$1 first=longshore-test/$2 alias
  shift 2
  import_image "$first" "$root" "$REVISION" \
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' 'CMD ["sh"]'
  for alias; do docker tag "$first" "longshore-test/$alias"; done
}

once
language node_root node:24 node:24-slim
language python_root python:3.13 python:3.13-slim
language caddy_root caddy:2.10-alpine
