#!/usr/bin/env bash
# Break one host of the fleet, or mend it.
#
#   fault.sh HOST FAULT [ARGUMENT...]
#
# Network. Packets vanish without a trace, as behind a dead route: connections stay half open. PEER, an address or a
# container's name, limits it to one peer.
#   partition [PEER]        nothing in, nothing out
#   partition-in [PEER]     the host hears nothing but is heard
#   partition-out [PEER]    the host hears but is not heard
#   delay TIME [JITTER]     200ms, 1.5s: in each direction, so a round trip has 2x
#   loss PERCENT            5%: in each direction
# Delay and loss add up, and meet what passes between this machine and the host; 0 takes one away.
#
# Processes.
#   pause | resume          all frozen; the kernel still answers TCP for them
#   suspend                 frozen and cut off, as a virtual machine that is stopped
#   kill9 UNIT              SIGKILL the main process of a systemd unit
#   reboot [--no-wait]      an orderly reboot from inside
#   crash [--no-wait]       SIGKILL to everything, then a boot
#   off | on                the crash and the boot, one by one
#
# Disk and clock.
#   disk-full [LEAVE]       fill the disk, but for LEAVE bytes (10M, 1G)
#   disk-free               take the filling away
#   skew SECONDS UNIT       shift the wall clock that a running unit reads, +90 or -3600; until the unit restarts. 0 puts
#                           it right. On x86-64 only.
#
#   heal                    undo all of the above but skew
#   wait                    wait until the host is booted and Docker is ready
#
# Faults on the network last through reboots of the host.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

usage() { sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }

# --- network ----------------------------------------------------------------------------------------------------------

peer_ip() {
  [[ $1 =~ ^[0-9.]+(/[0-9]+)?$ ]] && { printf '%s' "$1"; return; }
  local ip
  ip=$(docker inspect -f "{{with index .NetworkSettings.Networks \"$FLEET\"}}{{.IPAddress}}{{end}}" "$1" 2>/dev/null)
  [ -n "$ip" ] || die "no container $1 on network $FLEET"
  printf '%s' "$ip"
}

drop() { # in|out [PEER]
  local chain=FLEET_$FLEET peer=
  [ -z "${2:-}" ] || peer=$(peer_ip "$2")
  ebt_chain
  # ARP still passes: the host's gateway answers, only what lies behind is gone.
  case $1 in
    in) ebt -A "$chain" -p IPv4 --ip-dst "$ip" ${peer:+--ip-src "$peer"} -j DROP ;;
    out) ebt -A "$chain" -p IPv4 --ip-src "$ip" ${peer:+--ip-dst "$peer"} -j DROP ;;
  esac || die "the rule was refused"
}

milliseconds() {
  awk -v t="$1" 'BEGIN {
    if (t ~ /^[0-9.]+ms$/) print t + 0; else if (t ~ /^[0-9.]+s$/) print t * 1000
    else if (t ~ /^0$/) print 0; else exit 1 }' || die "not a time: $1"
}

netem() { # KEY VALUE...: change the host's packet treatment, start it if need be
  local conf=$STATE/$host.netem queue pid rule
  touch "$conf"
  while [ $# -gt 0 ]; do
    sed -i "/^$1 /d" "$conf"
    [ "$2" = 0 ] || printf '%s %s\n' "$1" "$2" >>"$conf"
    shift 2
  done
  [ -s "$conf" ] || { netem_stop "$host"; return; }
  if pid=$(netem_pid "$host"); then kill -HUP "$pid"; return; fi
  netem_rules_off "$host"
  queue=$(awk -F. '{ print $2 % 128 * 256 + $4 }' <<<"$ip")
  setsid python3 "$HERE/netem.py" "$queue" "$conf" >"$conf.log" 2>&1 </dev/null &
  pid=$!
  until grep -q ready "$conf.log" 2>/dev/null; do
    kill -0 "$pid" 2>/dev/null || die "netem.py did not start: $(tail -n 1 "$conf.log")"
    sleep 0.05
  done
  printf '%s\n' "$pid" >"$conf.pid"
  rule="-m comment --comment fleet:$FLEET:$host -j NFQUEUE --queue-num $queue --queue-bypass"
  # shellcheck disable=SC2086
  iptables -w -t mangle -I PREROUTING -s "$ip" $rule
  # shellcheck disable=SC2086
  iptables -w -t mangle -I POSTROUTING -d "$ip" $rule
}

# --- the rest ---------------------------------------------------------------------------------------------------------

paused() { [ "$(docker inspect -f '{{.State.Paused}}' "$host")" = true ]; }
running() { [ "$(docker inspect -f '{{.State.Running}}' "$host")" = true ]; }
resume() { if paused; then docker unpause "$host" >/dev/null; fi; }
switch_on() { mount_disk "$host"; docker start "$host" >/dev/null; }

boot_id() { docker exec "$host" cat /proc/sys/kernel/random/boot_id 2>/dev/null || true; }

await() { wait_ready "$host" || die "$host is not ready"; }

reboot_and_wait() {
  local before now waits=0 _
  before=$(boot_id)
  docker exec "$host" systemctl reboot >/dev/null 2>&1 || true
  [ "${1:-}" != --no-wait ] || return 0
  for _ in $(seq 1200); do
    now=$(boot_id)
    if [ -n "$now" ] && [ "$now" != "$before" ]; then await; return; fi
    # Docker delays each restart that follows soon on another, up to a minute.
    # A server does not.
    if [ "$(docker inspect -f '{{.State.Restarting}}' "$host")" = true ]; then waits=$((waits + 1)); fi
    if [ $waits = 4 ]; then docker stop -t 0 "$host" >/dev/null; switch_on; fi
    sleep 0.1
  done
  die "$host did not reboot"
}

fill() {
  local dir file free
  dir=$(disk_dir "$host")
  mountpoint -q "$dir" || die "$host has no disk of its own"
  file=$dir/.filling
  rm -f "$file"
  sync -f "$dir"
  free=$(df --output=avail -B1 "$dir" | tail -n 1)
  free=$((free - $(numfmt --from=iec "${1:-0}")))
  [ "$free" -gt 0 ] || return 0
  fallocate -l "$free" "$file" 2>/dev/null || true
  # What fallocate left because of its own bookkeeping.
  [ -n "${1:-}" ] || dd if=/dev/zero of="$file" bs=4k oflag=append conv=notrunc status=none 2>/dev/null || true
}

unit_pids() {
  local id f
  id=$(docker inspect -f '{{.Id}}' "$host")
  for f in /proc/[0-9]*/cgroup; do
    ! grep -qE "$id.*/$1(/|\$)" "$f" 2>/dev/null || basename "$(dirname "$f")"
  done
}

[ $# -ge 2 ] || usage
need_root
need_engine
host=$1 fault=$2
shift 2
host_exists "$host" || die "no host $host in fleet $FLEET"
ip=$(host_ip "$host")
exec 9>"$STATE/lock.$host"
flock 9

case $fault in
  partition) ebt_forget "$ip"; drop in "${1:-}"; drop out "${1:-}" ;;
  partition-in) drop in "${1:-}" ;;
  partition-out) drop out "${1:-}" ;;
  delay)
    [ $# -ge 1 ] || usage
    delay=$(milliseconds "$1") jitter=0
    [ $# -lt 2 ] || jitter=$(milliseconds "$2")
    netem delay_ms "$delay" jitter_ms "$jitter" 9>&- ;;
  loss) [[ ${1:-} =~ ^[0-9.]+%?$ ]] || usage; netem loss_pct "${1%\%}" 9>&- ;;
  pause) paused || docker pause "$host" >/dev/null ;;
  resume) resume; [ ! -e "$STATE/$host.suspended" ] || { rm "$STATE/$host.suspended"; ebt_forget "$ip"; } ;;
  suspend)
    ebt_forget "$ip"; drop in; drop out; touch "$STATE/$host.suspended"
    paused || docker pause "$host" >/dev/null ;;
  kill9) [ $# -ge 1 ] || usage; docker exec "$host" systemctl kill --kill-who=main -s KILL "$1" ;;
  reboot) reboot_and_wait "${1:-}" ;;
  crash) docker kill -s KILL "$host" >/dev/null; switch_on; [ "${1:-}" = --no-wait ] || await ;;
  off) ! running || { resume; docker kill -s KILL "$host" >/dev/null; } ;;
  on) running || switch_on ;;
  disk-full) fill "${1:-}" ;;
  disk-free) rm -f "$(disk_dir "$host")/.filling" ;;
  skew)
    if [ $# -lt 2 ] || ! [[ $1 =~ ^[+-]?[0-9]+s?$ ]]; then usage; fi
    seconds=${1%s} unit=$2
    [[ $unit == *.* ]] || unit=$unit.service
    pids=$(unit_pids "$unit")
    [ -n "$pids" ] || die "$unit has no process on $host"
    # shellcheck disable=SC2086
    python3 "$HERE/skew.py" "${seconds#+}" $pids ;;
  heal)
    ebt_forget "$ip"; rm -f "$STATE/$host.suspended"
    netem_stop "$host"
    rm -f "$(disk_dir "$host")/.filling"
    running || switch_on
    resume ;;
  wait) await ;;
  *) usage ;;
esac
