#!/usr/bin/env bash
# Sets up a machine for Longshore, step by step. Each step looks first, says what it does, and is safe to repeat.
#
# Plain POSIX shell inside, so that `… | sh -s -- VERB` works where bash is missing. Nothing runs before the last line: half
# a download does nothing.
set -eu
# shellcheck disable=SC3040
if (set -o pipefail) 2>/dev/null; then set -o pipefail; fi

RELEASE_VERSION=   # filled in by `npm run build`
RELEASE_KEY=       # filled in by `npm run build`: the public key (SPKI DER, base64) that signs its SHA256SUMS

ETC=/etc/longshore
AGENT_DIR=/var/lib/longshore
CONTROL_DIR=/var/lib/longshore-control
UNITS=/etc/systemd/system

# Exit codes besides 1, and 2 for what was not understood (docs/fleet.md).
E_DNS=3 E_REACH=4 E_TLS=5 E_CLOCK=6 E_TOKEN=7 E_DOCKER=8 E_RELEASE=9 E_MACHINE=10

DRY_RUN=
CHANGED=           # something is new, and what runs has to be started anew

usage() {
  cat <<'TEXT'
usage: install.sh [--dry-run] VERB [FLAGS]

  agent        makes this machine a host: the release, user, unit; waits until the host is connected
                 --token lsj_…   where the control plane is and what lets this host in (or LONGSHORE_TOKEN);
                                 `longshore hosts join` prints the whole line. Not needed again for an upgrade
                 --with-docker   installs Docker and restic where they are missing
                 --proxy URL     the way out, where the environment does not say it
  control      makes this machine the control plane, from a checkout or the folder of a release; again: upgrades it
                 --domain NAME   under which hosts and people reach it; otherwise this machine's address
                 --tls auto      a certificate of its own, whose key the lines for hosts name (default)
                 --tls CERT,KEY  yours; --tls off: plain HTTP for a proxy on this machine
                 --listen A:P    0.0.0.0:8443, or 127.0.0.1:8080 without TLS
  uninstall    removes agent and control plane; data and containers stay
                 --purge         removes those as well: data, and what services have in Docker
  engine       Docker Engine with Compose and buildx, installed where missing, and running; restic for backups
  up           engine, the pinned Node runtime and packages; then `longshore up FLAGS` in the foreground

  --dry-run    print what would be done; change nothing
  --help       this text
TEXT
}

say() { printf '%s\n' "$*" >&2; }
die() { say "install.sh: $*"; exit 1; }
stop() { # stop EXIT-CODE CAUSE [WAY-OUT]
  say "install.sh: $2"
  [ -z "${3:-}" ] || say "  way out: $3"
  exit "$1"
}
has() { command -v "$1" >/dev/null 2>&1; }

# Everything that changes the machine goes through one of these two.
run() {
  if [ "$DRY_RUN" ]; then say "would run: $*"; else "$@"; fi
}
write() { # write FILE < content
  if [ "$DRY_RUN" ]; then say "would write: $1"; cat >/dev/null; else mkdir -p "${1%/*}" && cat >"$1"; fi
}

need_root() {
  [ "$DRY_RUN" ] || [ "$(id -u)" = 0 ] || die "\`$VERB\` needs root: sudo"
}

# The parts. `npm run build` puts them in here, so that the control plane serves one file.
PARTS=$(dirname "$0")/cli/install
. "$PARTS/engine.sh"
. "$PARTS/server.sh"
. "$PARTS/release.sh"
. "$PARTS/agent.sh"
. "$PARTS/diagnosis.sh"
. "$PARTS/settings.sh"
. "$PARTS/control.sh"
. "$PARTS/uninstall.sh"

# --- up ---------------------------------------------------------------------------------------------------------------

ensure_program() { # ensure_program COMMAND PACKAGE...
  local command=$1
  shift
  ! has "$command" || return 0
  need_root
  say "installing $* from the distribution"
  if has apt-get; then apt_get update && apt_get install -y --no-install-recommends "$@"; else run dnf install -y -q "$@"; fi
}

# The runtime is a package as well: npm brings the pinned Node, whatever Node it runs on itself.
ensure_packages() {
  ensure_program npm nodejs npm
  if [ -x node_modules/.bin/node ] && [ ! package-lock.json -nt node_modules/.package-lock.json ]; then
    say "the Node packages are there"
    return
  fi
  say "installing the pinned Node runtime and the packages"
  run npm ci
}

up() {
  cd "$(dirname "$0")"
  [ -f package-lock.json ] || die "\`up\` runs in a checkout of Longshore"
  ensure_engine
  ensure_restic
  ensure_packages
  PATH=$PWD/node_modules/.bin:$PATH
  export PATH
  # In place of this shell, so that Ctrl-C and SIGTERM reach it.
  if [ "$DRY_RUN" ]; then run longshore up "$@"; else exec node cli/main.ts up "$@"; fi
}

# --- arguments --------------------------------------------------------------------------------------------------------

main() {
  local count=$# argument
  VERB=
  # Takes our own flags and the verb out of the list, wherever they stand, and keeps the rest in its order.
  while [ "$count" -gt 0 ]; do
    argument=$1 count=$((count - 1))
    shift
    case $VERB:$argument in
      *:--dry-run) DRY_RUN=1 ;;
      *:-h | *:--help) usage; exit 0 ;;
      :engine | :up | :agent | :control | :uninstall) VERB=$argument ;;
      *) set -- "$@" "$argument" ;;
    esac
  done
  case $VERB in
    engine) [ $# = 0 ] || wrong "engine takes no \"$1\""; ensure_engine; ensure_restic ;;
    up | agent | control | uninstall) "$VERB" "$@" ;;
    *) [ $# = 0 ] || wrong "unknown verb \"$1\""; usage ;;
  esac
}

wrong() {
  say "install.sh: $*"
  usage >&2
  exit 2
}

main "$@"
