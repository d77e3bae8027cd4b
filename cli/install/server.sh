# shellcheck shell=sh disable=SC2034,SC2154
# Part of install.sh: what a host and a control plane have in common, the release apart.

need_server() {
  umask 022
  need_root
  [ "$DRY_RUN" ] || [ -d /run/systemd/system ] || stop $E_MACHINE "this machine does not run systemd"
  case $(uname -m) in
    x86_64) ARCH=x64 ;;
    aarch64) ARCH=arm64 ;;
    *) stop $E_MACHINE "there is no release for $(uname -m), only for x86_64 and aarch64" ;;
  esac
}

# No login and no group: the agent's unit alone is given Docker's. Data that an uninstall left gets its owner back.
ensure_user() { # ensure_user FOLDER-FOR-ITS-DATA
  local uid
  getent group docker >/dev/null || run groupadd --system docker
  if ! id longshore >/dev/null 2>&1; then
    uid=$(stat -c %u "$AGENT_DIR"/* "$CONTROL_DIR"/* 2>/dev/null | grep -vx 0 | head -n 1) || true
    [ -z "$uid" ] || ! getent passwd "$uid" >/dev/null || uid=
    run useradd --system --user-group ${uid:+--uid "$uid"} --home-dir "$AGENT_DIR" --no-create-home \
      --shell /usr/sbin/nologin longshore
  fi
  run install -d -m 700 -o longshore -g longshore "$1"
}

# Units that are as the release has them are left alone; of the others the processes are started anew.
install_units() { # install_units NAME-BEGINS...
  local begins unit
  if [ "$DRY_RUN" ]; then say "would install the units $* of the release into $UNITS"; return; fi
  for begins in "$@"; do
    for unit in "$ROOT/current/systemd/$begins"*; do
      if [ ! -e "$unit" ] || cmp -s "$unit" "$UNITS/${unit##*/}"; then continue; fi
      install -m 644 "$unit" "$UNITS/"
      CHANGED=1
    done
  done
  systemctl daemon-reload
}

# Whether what runs is what is installed: an earlier run may have ended between the two.
runs_current() { # runs_current UNIT
  local pid
  pid=$(systemctl show -p MainPID --value "$1" 2>/dev/null) || pid=0
  [ "${pid:-0}" = 0 ] || [ "$(readlink "/proc/$pid/exe")" = "$(readlink -f "$ROOT/current/bin/node")" ]
}

# Puts a file that only root reads in place whole: write_private FILE < content
write_private() {
  if [ "$DRY_RUN" ]; then write "$1"; return; fi
  mkdir -p "${1%/*}"
  (umask 077 && cat >"$1.new") && mv -f "$1.new" "$1"
}

put_setting() { # put_setting FILE NAME VALUE
  { grep -v "^$2=" "$1" 2>/dev/null || true; printf '%s=%s\n' "$2" "$3"; } | write_private "$1"
}
