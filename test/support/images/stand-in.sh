# Sourced: how images are made without pulling anything. `work` is a folder that the script removes at its end.

say() { printf '%s\n' "$*" >&2; }
label_of() { docker image inspect -f "{{index .Config.Labels \"$2\"}}" "$1" 2>/dev/null; }

# import_image NAME ROOT REVISION SETTING... : import ROOT (a function that leaves its tar in $tar) under this name,
# unless it is there already from the same revision and settings. What was not made here is never overwritten.
import_image() {
  local name=$1 root=$2 recipe current change=() setting tar
  shift 2
  recipe=$(printf '%s\n' "$@" | sha256sum | cut -c1-12)
  if current=$(label_of "$name" standin.recipe); then
    [ "$current" != "$recipe" ] || return 0
    [ -n "$current" ] || { say "keep $name: it was not made here"; return 0; }
  fi
  shift
  package_lists
  "$root"
  for setting in "$@" 'LABEL standin.offline=1' "LABEL standin.recipe=$recipe"; do change+=(-c "$setting"); done
  docker import "${change[@]}" "$tar" "$name" >/dev/null
  say "made $name"
}

# busybox_once FILE: the same for all images of a script, which may be in the making side by side.
busybox_once() {
  (
    flock 8
    [ -e "$work/busybox" ] || static_busybox "$work/busybox"
  ) 8>"$work/busybox.lock"
  cp "$work/busybox" "$1"
}

# static_busybox FILE: this machine's own busybox where it is a static one, else the package's.
static_busybox() {
  local own
  own=$(command -v busybox || true)
  if [ -n "$own" ] && ! ldd "$own" >/dev/null 2>&1 && "$own" --list | grep -qx httpd; then
    cp "$own" "$1"
    return
  fi
  unpack_package busybox-static "$work/package"
  cp "$(find "$work/package" -type f -perm -u+x -name busybox)" "$1"
  chmod 755 "$1"
}

# applets FOLDER: busybox there under each of its names.
applets() {
  local applet
  busybox_once "$1/busybox"
  for applet in $("$1/busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$1/$applet"
  done
}

# pack ROOT TAR: everything below as root's, the same bytes each time.
pack() { tar -C "$1" --sort=name --mtime=@0 --numeric-owner --owner=0 --group=0 -cf "$2" .; }

# once: test files run side by side and all come here first. Each script has a lock of its own: what is made in a
# moment does not wait for what takes a minute.
once() {
  exec 9>"${TMPDIR:-/tmp}/longshore-test-$(basename "$0" .sh).lock"
  flock 9
}

# all_made: the end of what was begun in the background; fails if one of them did.
all_made() {
  local job
  for job in $(jobs -p); do wait "$job"; done
}
