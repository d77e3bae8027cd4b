#!/usr/bin/env bash
# Take the fleet down and undo all that up.sh and fault.sh did on this machine. The image stays for the next fleet.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need_engine
t0=$EPOCHREALTIME
failed=
names=$(hosts)
netem_rules_off
for conf in "$STATE"/*.netem; do
  [ ! -e "$conf" ] || netem_stop "$(basename "$conf" .netem)"
done
ebt_drop_chain || true
# shellcheck disable=SC2086
[ -z "$names" ] || docker rm -fv $names >/dev/null || failed=yes
[ "$(docker network inspect -f "{{index .Labels \"$LABEL\"}}" "$FLEET" 2>/dev/null)" != "$FLEET" ] ||
  docker network rm "$FLEET" >/dev/null
for dir in "$STATE"/*.disk; do
  [ -e "$dir" ] || continue
  if mountpoint -q "$dir"; then umount "$dir"; fi
done
rm -rf --one-file-system "$STATE"
# Another fleet may need the raised limit: one that is up, or about to be and has its folder only.
before=$FLEET_STATE/max_user_instances.before
(
  flock 6
  if [ -e "$before" ] && [ -z "$(find "$FLEET_STATE" -mindepth 1 -maxdepth 1 -type d)" ]; then
    cat "$before" >/proc/sys/fs/inotify/max_user_instances
    rm -f "$before"
  fi
) 6>"$FLEET_STATE/lock.watches"
# shellcheck disable=SC2086
say "$(set -- $names; echo $#) hosts removed in $(since "$t0") s"
[ -z "$failed" ]
