#!/usr/bin/env bash
# Build the image that the hosts boot: Debian with systemd and Docker, nothing of ours.
#
#   build-image.sh
#
# Two steps: a base from Debian packages (mmdebstrap, about a minute), kept under a tag that is a hash of its recipe, and
# on it the few files of image/ (a second). A step whose input has not changed is skipped.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

PACKAGES="systemd systemd-sysv dbus libpam-systemd libnss-systemd
  iproute2 iputils-ping iptables curl ca-certificates openssl xz-utils git procps sudo
  docker.io containerd runc"

need_root
need_engine
need_tools
mkdir -p "$FLEET_STATE"
exec 7>"$FLEET_STATE/lock.image"
flock 7

# --- this machine's apt -----------------------------------------------------------------------------------------------

# Lines `SITE RELEASE` of the archives that apt is set up with. It tells only of those whose lists it has.
apt_archives() {
  ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1 || update_lists
  apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
    awk '$3 == "main" && !seen[$1, $2]++ { print $1, $2 }'
}

# The mirror of a release that this machine is set up with, e.g. bookworm-security.
apt_site() { apt_archives | awk -v r="$1" '$2 == r { print $1; exit }'; }

# What this machine's apt needs in order to reach its archives.
apt_options() {
  apt-config dump | grep -E '^Acquire::(Check-|Retries|ForceIPv4|https?::(Proxy|Verify|CaInfo))' || true
}

own=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:?}")
suite=${FLEET_SUITE:-$own}
mirror=$(apt_site "$own")
[ -n "$mirror" ] || die "apt has no Debian mirror set up"

# --- the base ---------------------------------------------------------------------------------------------------------

# Lines of sources.list for a release: itself, its updates, its security fixes where this machine knows a site for them.
sources() {
  local security; security=$(apt_site "$own-security")
  printf 'deb %s %s main\n' "$mirror" "$suite" "$mirror" "$suite-updates"
  [ -z "$security" ] || printf 'deb %s %s main\n' "$security" "$suite-security"
}

# The base, with Docker's packages from one suite; prints nothing, tags $base.
build_base() {
  local docker_suite=$1 work args=() line id include
  work=$(mktemp -d)
  # dpkg syncs a great deal; memory makes that free.
  mount -t tmpfs -o size=4g,mode=1777 fleet-build "$work"
  trap 'umount "$work" 2>/dev/null; rmdir "$work" 2>/dev/null' RETURN
  sources >"$work/sources.list"
  # shellcheck disable=SC2086
  include=$(printf '%s\n' $PACKAGES $DOCKER_PACKAGES | paste -sd,)
  if [ "$docker_suite" != "$suite" ]; then
    printf 'deb %s %s main\n' "$mirror" "$docker_suite" >>"$work/sources.list"
    printf 'Package: *\nPin: release n=%s\nPin-Priority: 100\n\nPackage: %s\nPin: release n=%s\nPin-Priority: 600\n' \
      "$docker_suite" "$DOCKER_PACKAGES" "$docker_suite" >"$work/pins"
    # shellcheck disable=SC2016
    args+=(--setup-hook='cp '"$work/pins"' "$1/etc/apt/preferences.d/docker"')
  fi
  while read -r line; do args+=(--aptopt="${line%;}"); done < <(apt_options)
  # shellcheck disable=SC2016
  id=$(TMPDIR=$work mmdebstrap --quiet --mode=root --variant=minbase --format=tar \
    --include="$include" "${args[@]}" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --customize-hook='rm -f "$1/etc/resolv.conf" "$1/etc/hostname"' \
    "$suite" - "$work/sources.list" | docker import - ) || return 1
  docker tag "$id" "$base"
}

recipe=$({ cat "$HERE/build-image.sh"; printf '%s\n' "$suite" "$DOCKER_SUITES" "$DOCKER_PACKAGES"; } | sha256sum | cut -c1-12)
base=longshore-test/vps-base:$suite-$recipe
t0=$EPOCHREALTIME
if ! docker image inspect "$base" >/dev/null 2>&1; then
  built=
  for docker_suite in $DOCKER_SUITES; do
    say "building $base: Debian $suite, Docker from $docker_suite"
    if build_base "$docker_suite"; then built=yes; break; fi
    say "Docker from $docker_suite does not fit Debian $suite"
  done
  [ -n "$built" ] || die "no suite gave a working base"
  # Bases of older recipes.
  docker images --format '{{.Repository}}:{{.Tag}}' | grep "^longshore-test/vps-base:$suite-" | grep -vxF "$base" |
    xargs -r docker image rm >/dev/null || true
fi
docker build -q --build-arg "BASE=$base" -t "$FLEET_IMAGE" "$HERE/image" >/dev/null
say "$FLEET_IMAGE: $(docker image inspect -f '{{.Size}}' "$FLEET_IMAGE" | awk '{ printf "%d MB", $1 / 1e6 }')," \
  "$(since "$t0") s"
