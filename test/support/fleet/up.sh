#!/usr/bin/env bash
# Boot a fleet of N hosts and wait until each one's Docker Engine is ready.
#
#   up.sh N [IMAGE...]
#
# Hosts are named fleet-1 to fleet-N after FLEET, on the Docker network of that name, at fixed addresses (the first is
# .11, the second .12 ...). IMAGEs of this machine's engine are loaded into each host's own. Hosts that are already up
# stay as they are, so a second run adds what is missing. The image is built first if there is none.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

count=${1:-}
[[ $count =~ ^[0-9]+$ ]] && [ "$count" -ge 1 ] && [ "$count" -le 200 ] || die "usage: up.sh N [IMAGE...], N from 1 to 200"
shift
need_root
need_engine
"$HERE/build-image.sh"
for image in "$@"; do
  docker image inspect "$image" >/dev/null 2>&1 || die "this machine's engine has no image $image"
done
mkdir -p "$STATE"
exec 9>"$STATE/lock"
flock 9

# --- once for the fleet -----------------------------------------------------------------------------------------------

# Every systemd and dockerd watches files; the usual limit serves a dozen hosts.
watches=/proc/sys/fs/inotify/max_user_instances
(
  flock 6
  if [ "$(cat $watches)" -lt 8192 ]; then
    cat $watches >"$FLEET_STATE/max_user_instances.before"
    echo 8192 >$watches
  fi
) 6>"$FLEET_STATE/lock.watches"

# A subnet nothing here routes to, and packets no larger than the way out takes.
make_network() {
  local k mtu
  if docker network inspect "$FLEET" >/dev/null 2>&1; then
    [ "$(docker network inspect -f "{{index .Labels \"$LABEL\"}}" "$FLEET")" = "$FLEET" ] ||
      die "there is a network $FLEET, and it is not a fleet's; set FLEET to another name"
    return 0
  fi
  mtu=$(cat "/sys/class/net/$(ip -4 route show default | awk '{ print $5; exit }')/mtu" 2>/dev/null || echo 1500)
  [ "$mtu" -lt 1500 ] || mtu=1500
  for k in $(seq 199 254); do
    [ -z "$(ip -4 route show root "10.$k.0.0/24" | grep -v '^default')" ] || continue
    ! docker network create --label "$LABEL=$FLEET" --subnet "10.$k.0.0/24" --gateway "10.$k.0.1" \
      -o "com.docker.network.driver.mtu=$mtu" "$FLEET" >/dev/null 2>&1 || return 0
  done
  die "no free subnet for network $FLEET"
}
make_network
subnet=$(docker network inspect -f '{{(index .IPAM.Config 0).Subnet}}' "$FLEET")

# A disk with the image's files on it, made once per fleet and copied per host.
template=$STATE/template.img

seed() { # DIR: fill it with the folders that hosts write to
  docker run --rm --network none --entrypoint /bin/sh -v "$1:/disk" "$FLEET_IMAGE" -c '
    umask 022; for d in '"$DISK_DIRS"'; do mkdir -p "/disk/$d"; cp -a "/$d/." "/disk/$d/"; done; chmod 1777 /disk/tmp'
}

make_template() {
  [ ! -e "$template" ] || return 0
  local dir seeded=
  dir=$(mktemp -d)
  truncate -s "$FLEET_DISK" "$template.new"
  mkfs.ext4 -q -F -m 0 -E nodiscard "$template.new"
  mount -o loop "$template.new" "$dir" || { rmdir "$dir"; die "no loop devices here"; }
  seed "$dir" && seeded=yes
  umount "$dir"; rmdir "$dir"
  [ -n "$seeded" ] || die "the image's files could not be copied to a disk"
  mv "$template.new" "$template"
}
make_template

# Root in a host may do what root does on a machine of its own, yet sees none of this machine's devices and cannot set
# the clock, which all hosts share.
RIGHTS=(--cap-add ALL --device-cgroup-rule 'a *:* rwm' --security-opt "seccomp=$HERE/seccomp.json"
  --security-opt apparmor=unconfined --security-opt systempaths=unconfined)

# --- each host --------------------------------------------------------------------------------------------------------

boot() { # NUMBER
  local name=$FLEET-$1 ip dir args=() d
  ip=${subnet%.*}.$((10 + $1))
  dir=$(disk_dir "$name")
  if host_exists "$name"; then
    mount_disk "$name"
    [ "$(docker inspect -f '{{.State.Running}}' "$name")" = true ] || docker start "$name" >/dev/null
    return
  fi
  [ -e "$(disk_img "$name")" ] || cp --sparse=always "$template" "$(disk_img "$name")"
  mount_disk "$name"
  for d in $DISK_DIRS; do args+=(-v "$dir/$d:/$d"); done
  # shellcheck disable=SC2086
  docker run -d --name "$name" --hostname "$name" --label "$LABEL=$FLEET" --label "$LABEL.ip=$ip" \
    "${RIGHTS[@]}" --cgroupns=private --tmpfs /run:exec,mode=755 --tmpfs /run/lock \
    --restart unless-stopped --stop-timeout 30 \
    --memory "$FLEET_MEMORY" --memory-swap "$FLEET_MEMORY" \
    --network "$FLEET" --ip "$ip" \
    "${args[@]}" $FLEET_RUN_ARGS "$FLEET_IMAGE" >/dev/null
}

finish() { # NUMBER IMAGE...: wait for the host, give it its images
  local name=$FLEET-$1; shift
  wait_ready "$name" || { say "$name is not ready"; return 1; }
  [ $# = 0 ] || docker save "$@" | docker exec -i "$name" docker load >/dev/null
}

t0=$EPOCHREALTIME
failed=
jobs=()
for i in $(seq "$count"); do
  # One after another: all at once is no faster on a few cores, and unfair.
  boot "$i" 9>&- || failed=yes
  finish "$i" "$@" 9>&- & jobs+=($!)
done
for job in "${jobs[@]}"; do wait "$job" || failed=yes; done
for i in $(seq "$count"); do
  name=$FLEET-$i
  printf '%s\t%s\t%s\n' "$name" "$(host_ip "$name")" "$(docker exec "$name" systemctl is-system-running 2>/dev/null || true)"
done
say "$count hosts up on $subnet in $(since "$t0") s"
[ -z "$failed" ]
