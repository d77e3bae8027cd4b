# shellcheck shell=bash disable=SC2034
# Shared by the fleet's scripts. Source it; it does nothing by itself.
#
# Settings, all optional, from the environment:
#   FLEET            name of the fleet and of its Docker network, at most 24 characters   (fleet)
#   FLEET_IMAGE      image the hosts boot                                 (longshore-test/vps:1)
#   FLEET_STATE      folder for disks and fault state                (/var/tmp/longshore-fleets)
#   FLEET_DISK       size of each host's disk, sparse                                       (4G)
#   FLEET_MEMORY     memory limit of each host                                              (2g)
#   FLEET_RUN_ARGS   more flags for `docker run`, e.g. a bind mount
#   FLEET_SUITE      Debian release of the hosts                             (that of this machine)

FLEET=${FLEET:-fleet}
FLEET_IMAGE=${FLEET_IMAGE:-longshore-test/vps:1}
FLEET_STATE=${FLEET_STATE:-/var/tmp/longshore-fleets}
FLEET_DISK=${FLEET_DISK:-4G}
FLEET_MEMORY=${FLEET_MEMORY:-2g}
FLEET_RUN_ARGS=${FLEET_RUN_ARGS:-}

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
STATE=$FLEET_STATE/$FLEET
LABEL=longshore-test.fleet

# What lives on a host's own disk: everything software writes to.
DISK_DIRS="etc home opt root srv tmp usr/local var"

# Suites that may hold a current Docker Engine, best first.
DOCKER_SUITES="sid trixie bookworm"
DOCKER_PACKAGES="docker.io docker-cli docker-compose docker-buildx"

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

need_root() { [ "$(id -u)" = 0 ] || die "run this as root"; }
need_engine() { docker info >/dev/null 2>&1 || die "no Docker Engine answers; \`./install.sh engine\` sets one up"; }

# Fetches apt's lists, one script at a time with those of debian-package.sh: apt's own lock does not wait.
update_lists() { flock "${TMPDIR:-/tmp}/longshore-test-apt.lock" apt-get update -qq; }

# Debian packages of this machine that the scripts use; what is missing is installed.
need_tools() {
  local command missing=
  for command in ip:iproute2 iptables:iptables ebtables-nft:iptables mkfs.ext4:e2fsprogs losetup:mount \
    mmdebstrap:mmdebstrap python3:python3-minimal; do
    command -v "${command%%:*}" >/dev/null || missing="$missing ${command##*:}"
  done
  [ -n "$missing" ] || return 0
  say "installing$missing"
  update_lists
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=120 --no-install-recommends $missing >/dev/null
}

# Seconds since T0, a value of $EPOCHREALTIME, with one decimal.
since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

# --- hosts ------------------------------------------------------------------------------------------------------------

# Names of this fleet's hosts, in order.
hosts() {
  docker ps -a --filter "label=$LABEL=$FLEET" --format '{{.Names}}' | sort -V
}

host_exists() {
  [ "$(docker inspect -f "{{index .Config.Labels \"$LABEL\"}}" "$1" 2>/dev/null)" = "$FLEET" ]
}

host_ip() { docker inspect -f "{{index .Config.Labels \"$LABEL.ip\"}}" "$1"; }

# Wait until systemd in the host has finished booting (a failed unit counts as finished) and its Docker Engine answers.
# Most of the waiting is done inside.
wait_ready() {
  timeout "${2:-120}" bash -c '
    until docker exec "$0" sh -c "
      for i in \$(seq 100); do
        case \$(systemctl is-system-running --wait 2>/dev/null) in
          running|degraded) docker version >/dev/null 2>&1 && exit 0 ;;
        esac
        sleep 0.1
      done
      exit 1" >/dev/null 2>&1
    do sleep 0.1; done' "$1"
}

# --- disks ------------------------------------------------------------------------------------------------------------

disk_dir() { printf '%s/%s.disk' "$STATE" "$1"; }
disk_img() { printf '%s/%s.img' "$STATE" "$1"; }

mount_disk() {
  local dir; dir=$(disk_dir "$1")
  mkdir -p "$dir"
  mountpoint -q "$dir" || mount -o loop,discard "$(disk_img "$1")" "$dir"
}

# --- faults on the network --------------------------------------------------------------------------------------------
# Rules name a host's address, which is fixed, so they outlive its reboots, and sit on this machine's side, where nothing
# in the host can see them.

ebt() { ebtables-nft --concurrent "$@" 2>/dev/null; }

# Make the fleet's chain of link-layer rules, if it is not there yet.
ebt_chain() {
  local chain=FLEET_$FLEET hook
  (
    flock 8
    ebt -L "$chain" >/dev/null || ebt -N "$chain" -P RETURN
    for hook in INPUT FORWARD OUTPUT; do
      ebt -L "$hook" | grep -q -- "-j $chain\$" || ebt -I "$hook" -j "$chain"
    done
  ) 8>"$STATE/lock.ebtables" || die "ebtables does not work here"
}

# Delete the fleet chain's rules that name this address.
ebt_forget() {
  local chain=FLEET_$FLEET ip=$1 rule
  { ebt -L "$chain" | grep -E -- "--ip-(src|dst) $ip( |\$)" || true; } | while read -r rule; do
    # shellcheck disable=SC2086
    ebt -D "$chain" $rule || true
  done
}

ebt_drop_chain() {
  local chain=FLEET_$FLEET hook
  ebt -L "$chain" >/dev/null || return 0
  for hook in INPUT FORWARD OUTPUT; do ebt -D "$hook" -j "$chain" || true; done
  ebt -F "$chain"; ebt -X "$chain"
}

# Delete the rules that feed a host's netem.py; without a name, the whole fleet's.
netem_rules_off() {
  { iptables -w -t mangle -S 2>/dev/null | grep -E -- "fleet:$FLEET:${1:-[^ \"]*}[ \"]" || true; } |
    sed 's/^-A/-D/' | while read -r rule; do eval "iptables -w -t mangle $rule"; done
}

# The process id of a host's netem.py, if it runs.
netem_pid() {
  local conf=$STATE/$1.netem pid
  pid=$(cat "$conf.pid" 2>/dev/null) || return 1
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "$conf" || return 1
  printf '%s' "$pid"
}

# Stop a host's netem.py.
netem_stop() {
  local conf=$STATE/$1.netem pid
  netem_rules_off "$1"
  if pid=$(netem_pid "$1"); then kill "$pid" 2>/dev/null || true; fi
  rm -f "$conf" "$conf.pid" "$conf.log"
}
