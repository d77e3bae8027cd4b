#!/usr/bin/env bash
# Makes the images that the tests run, without pulling anything.
#
#   build.sh                       busybox:1 and longshore-test/{web:1,web:2,logger:1,crash:1}
#   build.sh alias NAME[=PORT]...  a small HTTP server under any name, e.g. redis:7-alpine=6379 (port 80 if not given)
#
# Every image is one static busybox and the scripts of rootfs/, imported with different settings; the engine keeps
# that layer once. What is there and current is left alone, so this takes a moment when there is nothing to do. An
# image that was not made here is never overwritten: with a real redis on the machine the tests use the real one.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../debian-package.sh"
. "$HERE/stand-in.sh"
REVISION=$(find "$HERE"/{build,stand-in}.sh "$HERE/rootfs" -type f -print0 | sort -z | xargs -0 cat | sha256sum | cut -c1-12)
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

# image NAME SETTING... : the root file system that all these images share, under this name.
image() { import_image "$1" root_file_system "$REVISION" "${@:2}"; }

# The tar that all images share, made when the first one needs it.
root_file_system() {
  tar=$work/root.tar
  [ -z "$work" ] || return 0
  work=$(mktemp -d)
  tar=$work/root.tar
  local root=$work/root applet
  mkdir -p "$root"/{bin,dev,etc,home,proc,root,sys,tmp,usr/bin,var}
  chmod 1777 "$root/tmp"
  applets "$root/bin"
  ln -s bin "$root/sbin"
  ln -s ../../bin/env "$root/usr/bin/env"
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
  cp -R "$HERE/rootfs/." "$root/"
  chmod 755 "$root"/standin/*
  # A template's health check calls a program of its image; in a stand-in each of them asks the stand-in's server.
  for applet in $PROBES; do ln -sf ../standin/probe "$root/bin/$applet"; done
  pack "$root" "$tar"
}

PROBES="curl wget node php python python3 ruby nc pg_isready redis-cli valkey-cli mysqladmin mariadb-admin healthcheck.sh
  mongosh clickhouse-client rabbitmq-diagnostics promtool mc ak bash immich-healthcheck miniflux mmctl ollama"

standard_images() {
  image busybox:1 'CMD ["sh"]'
  local version
  for version in 1 2; do
    image "longshore-test/web:$version" 'ENTRYPOINT ["/standin/serve"]' "ENV SITE=v$version" 'EXPOSE 80'
  done
  image longshore-test/logger:1 'ENTRYPOINT ["/standin/log"]'
  # Never healthy before it is gone: without a health check a deploy looks at a container for a tenth of a second only.
  image longshore-test/crash:1 'ENTRYPOINT ["/standin/crash"]' 'HEALTHCHECK --interval=5s CMD ["true"]'
}

aliases() {
  local argument port
  for argument in "$@"; do
    port=${argument#*=}
    [ "$port" != "$argument" ] || port=80
    image "${argument%%=*}" 'ENTRYPOINT ["/standin/serve"]' "ENV STANDIN_PORT=$port" "EXPOSE $port"
  done
}

main() {
  once
  case ${1:-} in
    '') standard_images ;;
    alias) shift; aliases "$@" ;;
    *) say "usage: build.sh [alias NAME[=PORT]...]"; exit 2 ;;
  esac
}

main "$@"
