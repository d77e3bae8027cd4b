#!/usr/bin/env bash
# Makes longshore-test/edge:1, a real Caddy 2.8 or newer: Debian's from sid, whatever release this machine runs (it needs
# no more than libc). Older ones lack what the edge needs.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../debian-package.sh"
. "$HERE/stand-in.sh"
. "$HERE/debian.sh"
REVISION=$(cat "$HERE"/{edge,debian,stand-in}.sh | sha256sum | cut -c1-12)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The mirror that this machine has its own release from.
mirror() {
  apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v own="$(. /etc/os-release && echo "$VERSION_CODENAME")" '$2 == own && $3 == "main" { print $1; exit }'
}

# apt with sid alone, and with lists of its own: nothing of this machine's changes.
apt_sid() {
  apt-get -qq -o "Dir::Etc::sourcelist=$work/sid.sources" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$work/lists" \
    -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root "$@"
}

edge_root() {
  tar=$work/edge.tar
  local root=$work/root keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  package_lists
  mkdir -p "$work/lists/partial"
  system "$root"
  printf 'Types: deb\nURIs: %s\nSuites: sid\nComponents: main\nSigned-By: %s\n' "$(mirror)" "$keyring" >"$work/sid.sources"
  apt_sid update >&2
  (cd "$work" && apt_sid download caddy >&2 && dpkg-deb -x caddy_*.deb package)
  install "$work/package/usr/bin/caddy" "$root/usr/bin/caddy"
  libraries "$root" "$root/usr/bin/caddy"
  pack "$root" "$tar"
}

once
import_image longshore-test/edge:1 edge_root "$REVISION" 'ENV PATH=/usr/bin'
