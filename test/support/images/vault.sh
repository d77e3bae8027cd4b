#!/usr/bin/env bash
# Makes longshore-test/vault:1, where tests keep backups: Debian's restic-rest-server and sshd, without pulling anything.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../debian-package.sh"
. "$HERE/stand-in.sh"
. "$HERE/debian.sh"
REVISION=$(cat "$HERE"/{vault,stand-in,debian}.sh "$HERE/vault/start-vault" | sha256sum | cut -c1-12)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

vault_root() {
  tar=$work/vault.tar
  local root=$work/vault staging=$work/packages library path
  system "$root"
  rm "$root/sbin"
  mkdir -p "$staging" "$root"/{run,srv,vault,usr/sbin}
  ln -s usr/sbin "$root/sbin"
  printf 'sshd:x:74:74::/run/sshd:/bin/false\nbackup:x:1000:1000::/srv:/bin/sh\n' >>"$root/etc/passwd"
  printf 'sshd:x:74:\nbackup:x:1000:\n' >>"$root/etc/group"
  unpack_packages "$staging" restic-rest-server openssh-server $(needs_of 'lib' openssh-server)
  install -D "$staging/usr/bin/restic-rest-server" "$root/usr/bin/restic-rest-server"
  install -D "$staging/usr/sbin/sshd" "$root/usr/sbin/sshd"
  install -D "$HERE/vault/start-vault" "$root/usr/bin/start-vault"
  path=$staging/usr/lib/$(uname -m)-linux-gnu:$staging/lib/$(uname -m)-linux-gnu
  LD_LIBRARY_PATH=$path ldd "$staging/usr/sbin/sshd" "$staging/usr/bin/restic-rest-server" |
    sed -nE 's/^\t(.* => )?(\/[^ ]+) .*/\2/p' | sort -u | while read -r library; do
      install -D "$(readlink -f "$library")" "$root${library#"$staging"}"
    done
  pack "$root" "$tar"
}

once
import_image longshore-test/vault:1 vault_root "$REVISION" 'ENV PATH=/usr/bin:/usr/sbin' 'EXPOSE 22 8000' \
  'ENTRYPOINT ["start-vault"]'
