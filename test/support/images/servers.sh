#!/usr/bin/env bash
# Makes images of servers that the tests run for real, from Debian's packages and without pulling any.
#
#   servers.sh       longshore-test/{postgres,redis,nginx}:1
#
# Each is laid out as the well-known image of that name where compose files rely on it: variables, folders, user,
# signals. The program and its libraries are Debian's, the rest of each image is busybox.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../debian-package.sh"
. "$HERE/stand-in.sh"
. "$HERE/debian.sh"
REVISION=$(find "$HERE"/{servers,stand-in,debian}.sh "$HERE/servers" -type f -print0 | sort -z | xargs -0 cat | sha256sum | cut -c1-12)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# server ROOT USER ID PACKAGE... : a root file system with that user; the packages lie in $staging.
server() {
  local root=$1 user=$2 id=$3
  shift 3
  staging=$root.packages
  system "$root"
  mkdir -p "$staging" "$root"/{run,var/run,usr/share}
  printf '%s:x:%s:%s::/:/bin/sh\n' "$user" "$id" "$id" >>"$root/etc/passwd"
  printf '%s:x:%s:\n' "$user" "$id" >>"$root/etc/group"
  unpack_packages "$staging" "$@" $(needs_of 'lib|zlib' "$@")
  cp -R "$HERE/servers/." "$root/usr/local/bin/"
  chmod 755 "$root"/usr/local/bin/*
}

# programs ROOT FILE...: these files of the packages, and the shared libraries that they load.
programs() {
  local root=$1 file library path
  shift
  path=$staging/usr/lib/$(uname -m)-linux-gnu:$staging/lib/$(uname -m)-linux-gnu
  for file; do install -D "$staging/$file" "$root/$file"; done
  (cd "$root" && LD_LIBRARY_PATH=$path ldd "$@" 2>/dev/null || true) | # fails over files that are no programs
    sed -nE 's/^\t(.* => )?(\/[^ ]+) .*/\2/p' | sort -u | while read -r library; do
      install -D "$(readlink -f "$library")" "$root${library#"$staging"}"
    done
}

postgres_root() {
  tar=$work/postgres.tar
  local root=$work/postgres package major
  package=$(apt-cache depends postgresql | sed -n 's/.*Depends: //p' | head -1)
  major=${package#postgresql-}
  server "$root" postgres 999 "$package" "postgresql-client-$major"
  mkdir -p "$root/usr/lib/postgresql" "$root/var/run/postgresql" "$root/var/lib/postgresql/data" "$root/docker-entrypoint-initdb.d"
  cp -R "$staging/usr/share/postgresql" "$root/usr/share/"
  (cd "$staging" && find usr/lib/postgresql -type f ! -path '*llvm*' ! -path '*bitcode*') >"$work/files"
  programs "$root" $(cat "$work/files")
  for file in "$root/usr/lib/postgresql/$major/bin/"*; do ln -s "../lib/postgresql/$major/bin/${file##*/}" "$root/usr/bin/"; done
  pack "$root" "$tar"
}

redis_root() {
  tar=$work/redis.tar
  local root=$work/redis
  server "$root" redis 999 redis-server redis-tools
  mkdir -p "$root/data"
  programs "$root" usr/bin/redis-check-rdb usr/bin/redis-cli
  ln -s redis-check-rdb "$root/usr/bin/redis-server" # one program, by its name
  pack "$root" "$tar"
}

nginx_root() {
  tar=$work/nginx.tar
  local root=$work/nginx
  server "$root" nginx 101 nginx nginx-common
  mkdir -p "$root"/etc/nginx/conf.d "$root"/usr/share/nginx/html "$root"/var/{lib,log}/nginx
  programs "$root" usr/sbin/nginx
  mv "$root/usr/sbin/nginx" "$root/usr/bin/nginx"
  cp "$staging/etc/nginx/mime.types" "$root/etc/nginx/"
  printf '%s\n' 'user nginx;' 'worker_processes 1;' 'error_log /dev/stderr notice;' 'pid /run/nginx.pid;' 'events {}' \
    'http {' '  include mime.types;' '  access_log /dev/stdout;' '  include conf.d/*.conf;' '}' >"$root/etc/nginx/nginx.conf"
  printf '%s\n' 'server {' '  listen 80;' '  root /usr/share/nginx/html;' '}' >"$root/etc/nginx/conf.d/default.conf"
  printf 'Welcome to nginx!\n' >"$root/usr/share/nginx/html/index.html"
  pack "$root" "$tar"
}

once
PATHS='ENV PATH=/usr/local/bin:/usr/bin:/bin'
import_image longshore-test/postgres:1 postgres_root "$REVISION" "$PATHS" 'ENV PGDATA=/var/lib/postgresql/data' \
  'VOLUME /var/lib/postgresql/data' 'STOPSIGNAL SIGINT' 'EXPOSE 5432' 'ENTRYPOINT ["start-postgres"]' 'CMD ["postgres"]' &
import_image longshore-test/redis:1 redis_root "$REVISION" "$PATHS" 'WORKDIR /data' 'VOLUME /data' 'EXPOSE 6379' \
  'ENTRYPOINT ["start-redis"]' 'CMD ["redis-server"]' &
import_image longshore-test/nginx:1 nginx_root "$REVISION" "$PATHS" 'STOPSIGNAL SIGQUIT' 'EXPOSE 80' \
  'CMD ["nginx", "-g", "daemon off;"]' &
all_made
