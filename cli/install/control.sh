# shellcheck shell=sh disable=SC2034,SC2154
# Part of install.sh: makes this machine the control plane, or upgrades it.

BACKUP='' FIRST=

control() {
  read_control_flags "$@"
  need_server
  SOURCE=$(release_folder)
  choose_release
  ensure_user "$CONTROL_DIR"
  put_settings
  [ -z "$CHANGED" ] || back_up
  install_release
  install_all_units
  [ -e "$CONTROL_DIR/admin.key" ] || FIRST=1
  start_control
  put_dist
  show_control
}

read_control_flags() {
  DOMAIN='' LISTEN='' TLS=''
  while [ $# -gt 0 ]; do
    case $1 in
      --domain | --listen | --tls) [ "${2:-}" ] || wrong "$1 needs a value" ;;
    esac
    case $1 in
      --domain) DOMAIN=$2 ;;
      --listen) LISTEN=$2 ;;
      --tls) TLS=$2 ;;
      *) wrong "control takes no \"$1\"" ;;
    esac
    shift 2
  done
  check_control_flags
}

check_control_flags() {
  case $LISTEN in '' | *:*[0-9]) ;; *) wrong "--listen is like 0.0.0.0:8443, not \"$LISTEN\"" ;; esac
  case $TLS in
    '' | auto | off) ;;
    /*,/*) { [ -r "${TLS%%,*}" ] && [ -r "${TLS#*,}" ]; } || wrong "--tls names files that are not there: $TLS" ;;
    *) wrong "--tls is auto, off or CERT,KEY with their whole paths, not \"$TLS\"" ;;
  esac
}

# Beside this file lies a release, or it is a checkout that one is built in.
release_folder() {
  cd "$(dirname "$0")"
  if [ -f SHA256SUMS ]; then pwd; return; fi
  [ -f package-lock.json ] || die "\`control\` runs in a checkout of Longshore or in the folder of a release"
  if [ ! -f dist/release/SHA256SUMS ] || is_older dist/release/SHA256SUMS; then
    ensure_packages >&2
    say "building the release"
    run npm run --silent build >&2
  fi
  printf '%s/dist/release' "$PWD"
}

is_older() { [ "$(find agent cli control shared systemd install.sh package-lock.json -newer "$1" | head -n 1)" ]; }

back_up() {
  [ -e "$CONTROL_DIR/control.db" ] || return 0
  BACKUP=$CONTROL_DIR/backups/before-$VERSION-$(date +%Y%m%d-%H%M%S)
  say "backing up the database to $BACKUP"
  as_longshore install -d -m 700 "$CONTROL_DIR/backups"
  as_longshore "$COMMAND" control backup "$BACKUP" --data-dir "$CONTROL_DIR" >/dev/null || stop 1 "the backup failed: nothing was changed"
}

as_longshore() { run setpriv --reuid longshore --regid longshore --init-groups "$@"; }

# What hosts download: the whole folder at once, so that sums and files belong together.
put_dist() {
  local dist=$CONTROL_DIR/dist
  if [ "$DRY_RUN" ]; then say "would copy $SOURCE to $dist, for hosts to download"; return; fi
  if cmp -s "$SOURCE/SHA256SUMS" "$dist/SHA256SUMS" && cmp -s "$SOURCE/install.sh" "$dist/install.sh"; then return; fi
  rm -rf "$dist.new"
  mkdir "$dist.new"
  cp "$SOURCE"/install.sh "$SOURCE"/manifest.json "$SOURCE"/release.pub "$SOURCE"/SHA256SUMS* "$SOURCE"/longshore-*.tar.* "$dist.new"
  rm -rf "$dist"
  mv "$dist.new" "$dist"
}

# An agent on the same machine is of the same release.
install_all_units() {
  set -- longshore-control
  [ ! -e "$UNITS/longshore-agent.service" ] || set -- "$@" longshore-agent longshore-upgrade
  install_units "$@"
}

start_control() {
  local units=longshore-control.service action=start
  if [ -e "$UNITS/longshore-control.socket.d" ]; then
    units="longshore-control.socket $units"
    # systemd opens no port for a service that runs already.
    systemctl is-active --quiet longshore-control.socket || run systemctl stop longshore-control.service
  fi
  [ -z "$CHANGED$RESTART" ] && runs_current longshore-control.service || action=restart
  # shellcheck disable=SC2086
  run systemctl enable --quiet $units
  # shellcheck disable=SC2086
  run systemctl $action $units || back_to_previous
  [ -z "$CHANGED" ] || [ ! -e "$UNITS/longshore-agent.service" ] || run systemctl try-restart longshore-agent.service
}

back_to_previous() {
  journalctl -u longshore-control.service -o cat -n 10 --no-pager >&2 || true
  [ "$PREVIOUS" ] || stop 1 "the control plane did not start; the lines above are the end of its log" "mend that and run this again"
  point_to "$PREVIOUS"
  install_all_units
  systemctl restart longshore-control.service ||
    stop 1 "neither Longshore $VERSION nor $PREVIOUS starts" "longshore control restore $BACKUP, as docs/operating.md says"
  stop 1 "Longshore $VERSION did not start, $PREVIOUS runs again; the lines above are the end of its log"
}

show_control() {
  local url
  if [ "$DRY_RUN" ]; then say "would show the URL, and the first key if it is new"; return; fi
  url=$(setting LONGSHORE_PUBLIC_URL)
  printf 'Longshore %s answers at %s\n' "$VERSION" "$url"
  [ "$FIRST" ] || return 0
  printf 'Its first key, shown this once; it may do everything (%s/admin.key):\n\n  %s\n\n' "$CONTROL_DIR" "$(cat "$CONTROL_DIR/admin.key")"
  printf 'A line for each host, made here as root:\n\n  longshore hosts join\n'
}
