# shellcheck shell=sh disable=SC2034,SC2154
# Part of install.sh: Docker Engine with Compose and buildx, and restic, where they are missing.

ENGINE_MIN=26.0    # the oldest engine that Docker still mends, and the first with `docker compose` 2.40's API
COMPOSE_MIN=2.40   # `--progress json` and `config --lock-image-digests` as the agent reads them
RESTIC_MIN=0.17    # the first whose exit codes and JSON say what happened
DOCKER_SITE=https://download.docker.com/linux
DOCKERD_LOG=/var/log/dockerd.log
PROBE_SECONDS=5    # a reachable site answers in well under one
START_SECONDS=60   # a first start makes its storage and its bridge; a slow disk needs a while
DOCKERD=           # the process we started ourselves, if any

ensure_engine() {
  if engine_answers && engine_suffices && plugins_suffice; then
    say "Docker is fine and left alone: $(versions)"
    return
  fi
  need_root
  if engine_answers && ! engine_suffices; then
    say "Docker Engine $(engine_version) answers, but Longshore needs $ENGINE_MIN or newer"
    install_docker engine
  elif ! has dockerd && ! engine_answers; then
    say "no Docker Engine on this machine"
    install_docker engine
  elif ! plugins_suffice; then
    say "Compose $COMPOSE_MIN or newer, or buildx, is missing"
    install_docker plugins
  fi
  engine_answers || start_engine
  [ "$DRY_RUN" ] || check_engine
}

check_engine() {
  engine_suffices || die "Docker Engine $(engine_version) is too old, and nothing newer fits; needed: $ENGINE_MIN"
  plugins_suffice || die "no Compose $COMPOSE_MIN with buildx found for this machine; see https://docs.docker.com/engine/install/"
  say "Docker is ready: $(versions)"
}

engine_answers() { docker info >/dev/null 2>&1; }
engine_version() { docker version --format '{{.Server.Version}}' 2>/dev/null || true; }
compose_version() { docker compose version --short 2>/dev/null || true; }
buildx_version() { docker buildx version 2>/dev/null | awk '{ print $2 }' || true; }
engine_suffices() { at_least "$(engine_version)" "$ENGINE_MIN"; }
plugins_suffice() { at_least "$(compose_version)" "$COMPOSE_MIN" && [ "$(buildx_version)" ]; }
versions() { printf 'engine %s, compose %s, buildx %s' "$(engine_version)" "$(compose_version)" "$(buildx_version)"; }

# at_least 28.5.2+dfsg4 26.0 : is the first version that or newer? No version is not.
at_least() {
  local have
  have=$(printf '%s' "${1#v}" | sed 's/[^0-9.].*//')
  [ "$have" ] && [ "$(printf '%s\n%s\n' "$have" "$2" | sort -V | head -n 1)" = "$2" ]
}

# install_docker engine|plugins : `plugins` leaves a good engine at its version.
install_docker() {
  if has apt-get; then
    apt_get update || true # one broken source of many is no reason to stop; what is missing shows below
    install_docker_site_apt "$1" || install_distribution_apt "$1"
  elif has dnf; then
    install_docker_site_dnf "$1"
  else
    die "no apt or dnf here: install Docker Engine $ENGINE_MIN or newer with Compose and buildx, then run this again"
  fi
}

apt_get() { run env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >/dev/null; }

# True if apt would remove nothing and, Docker's own packages and restic apart, upgrade nothing that is here (a newer
# libc, say).
harmless() {
  local plan
  plan=$(apt-get install --simulate --no-install-recommends "$@" 2>/dev/null) || return 1
  ! printf '%s\n' "$plan" | grep -q '^Remv ' &&
    ! printf '%s\n' "$plan" | grep '^Inst [^ ]* \[' | grep -qvE '^Inst (docker|containerd|runc|restic)'
}

os() { (. /etc/os-release && eval "printf '%s' \"\${$1:-}\""); }

# --- Docker's own packages

site_packages() {
  [ "$1" = plugins ] || printf 'docker-ce docker-ce-cli containerd.io '
  printf 'docker-buildx-plugin docker-compose-plugin'
}

site_answers() {
  if has curl; then
    curl -fsS --max-time "$PROBE_SECONDS" -o /dev/null "$1" 2>/dev/null
  else
    has wget && wget -q --timeout "$PROBE_SECONDS" --tries 1 -O /dev/null "$1" 2>/dev/null
  fi
}

fetch() { if has curl; then curl -fsSL "$1"; else wget -qO- "$1"; fi; }

install_docker_site_apt() {
  local id codename site sources=/etc/apt/sources.list.d/docker.sources key=/etc/apt/keyrings/docker.asc packages
  id=$(os ID) codename=$(os VERSION_CODENAME) packages=$(site_packages "$1")
  site=$DOCKER_SITE/$id
  has curl || has wget || apt_get install -y --no-install-recommends ca-certificates curl || true
  site_answers "$site/dists/$codename/Release" || { say "Docker's own packages can't be reached from here"; return 1; }
  say "installing Docker's own packages from $site"
  fetch "$site/gpg" | write "$key"
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: stable\nSigned-By: %s\n' "$site" "$codename" "$key" | write "$sources"
  apt_get update
  # shellcheck disable=SC2086
  if [ "$DRY_RUN" ] || harmless $packages; then
    apt_get install -y --no-install-recommends $packages
  else
    say "they would remove or upgrade packages that are here; trying the distribution's"
    rm -f "$sources" "$key"
    return 1
  fi
}

install_docker_site_dnf() {
  local id packages
  case $(os ID) in fedora) id=fedora ;; rhel) id=rhel ;; *) id=centos ;; esac
  packages=$(site_packages "$1")
  site_answers "$DOCKER_SITE/$id/docker-ce.repo" || die "$DOCKER_SITE can't be reached; install Docker Engine $ENGINE_MIN or newer by hand"
  say "installing Docker's own packages from $DOCKER_SITE/$id"
  fetch "$DOCKER_SITE/$id/docker-ce.repo" | write /etc/yum.repos.d/docker-ce.repo
  # shellcheck disable=SC2086
  run dnf install -y -q $packages
}

# --- the distribution's packages

# Debian's stable releases have a Compose that is too old, so newer suites come first: theirs alone with what they need
# from this release, else with what they need from there as well, and only if that is harmless.
install_distribution_apt() {
  local suite packages
  packages=$(distribution_packages "$1")
  if [ "$(os ID)" = debian ]; then
    for suite in sid trixie; do
      [ "$suite" != "$(os VERSION_CODENAME)" ] || continue
      ! install_from_suite "$suite" "$packages" Docker || return 0
    done
  fi
  say "installing Docker from $(os PRETTY_NAME)"
  # shellcheck disable=SC2086
  apt_get install -y --no-install-recommends $(known_packages $packages)
}

distribution_packages() {
  [ "$1" = plugins ] || printf 'docker.io docker-cli '
  if [ "$(os ID)" = debian ]; then printf 'docker-compose '; else printf 'docker-compose-v2 '; fi
  printf 'docker-buildx'
}

known_packages() {
  local package
  for package in "$@"; do
    ! apt-cache show "$package" >/dev/null 2>&1 || printf '%s ' "$package"
  done
}

install_from_suite() { # install_from_suite SUITE "PACKAGES" WHAT
  local suite=$1 what=$3 package exact='' whole=''
  if [ "$DRY_RUN" ]; then
    say "would try: $2 from Debian's $suite, unless that removed or upgraded anything else"
    return 1
  fi
  offer_suite "$suite"
  for package in $2; do
    exact="$exact $package=$(version_in "$suite" "$package")"
    whole="$whole $package/$suite"
  done
  # shellcheck disable=SC2086
  if harmless $exact; then set -- $exact; elif harmless $whole; then set -- $whole; else
    say "$what from Debian's $suite does not fit this machine"
    withdraw_suite "$suite"
    return 1
  fi
  say "installing $what from Debian's $suite"
  apt_get install -y --no-install-recommends "$@"
}

# A source of so low a priority that apt uses it for nothing that is not asked of it by name.
offer_suite() {
  local mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg signed=''
  mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v own="$(os VERSION_CODENAME)" '$2 == own && $3 == "main" { print $1; exit }')
  [ "$mirror" ] || return 0 # no list of this release: nothing of the suite will be found, and the next step says so
  [ ! -e "$keyring" ] || signed="Signed-By: $keyring"
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n%s\n' "$mirror" "$1" "$signed" |
    write "/etc/apt/sources.list.d/longshore-$1.sources"
  printf 'Package: *\nPin: release n=%s\nPin-Priority: 100\n' "$1" | write "/etc/apt/preferences.d/longshore-$1"
  # A mirror may lag behind the date that its own index promises.
  apt_get -o Acquire::Check-Valid-Until=false update || true
}

withdraw_suite() { rm -f "/etc/apt/sources.list.d/longshore-$1.sources" "/etc/apt/preferences.d/longshore-$1"; }

version_in() { # version_in SUITE PACKAGE
  apt-cache madison "$2" | awk -F'|' -v suite="$1" '$3 ~ " " suite "/" { gsub(/ /, "", $2); print $2; exit }'
}

# --- starting

start_engine() {
  if [ -d /run/systemd/system ]; then
    say "starting Docker under systemd"
    run systemctl enable --now docker
  else
    say "starting dockerd in the background; its log is $DOCKERD_LOG"
    start_without_systemd
  fi
  [ "$DRY_RUN" ] || wait_for_engine
}

start_without_systemd() {
  # Some bare machines boot without any cgroup file system.
  grep -qE ' cgroup2? ' /proc/mounts || run mount -t cgroup2 cgroup2 /sys/fs/cgroup
  if runs dockerd /var/run/docker.pid; then
    say "one is starting already"
    return
  fi
  runs containerd /var/run/docker/containerd/containerd.pid || true
  if [ "$DRY_RUN" ]; then say "would run: setsid dockerd"; return; fi
  setsid dockerd >>"$DOCKERD_LOG" 2>&1 </dev/null &
  DOCKERD=$!
}

# runs PROGRAM PIDFILE : clears the file where it is left from a crash. Its number may belong to someone else by now, or
# to a zombie (which has a name but no exe), and then dockerd would refuse to start.
runs() {
  local pid
  pid=$(cat "$2" 2>/dev/null) || return 1
  case $(readlink "/proc/$pid/exe" || true) in
    */"$1"*) return 0 ;;
  esac
  run rm -f "$2"
  return 1
}

wait_for_engine() {
  local tries=$((START_SECONDS * 5))
  while ! engine_answers; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || engine_failed "did not answer within $START_SECONDS s"
    [ -z "$DOCKERD" ] || kill -0 "$DOCKERD" 2>/dev/null || engine_failed "ended at once"
    sleep 0.2
  done
}

engine_failed() {
  if [ -d /run/systemd/system ]; then journalctl -u docker -n 20 --no-pager; else tail -n 20 "$DOCKERD_LOG"; fi >&2 || true
  die "dockerd $1; the lines above are the end of its log"
}

# --- restic -----------------------------------------------------------------------------------------------------------

# For backups only: whatever goes wrong here is said and stops nothing else.
ensure_restic() {
  if restic_suffices; then
    say "restic is fine and left alone: $(restic_version)"
    return
  fi
  if [ -z "$DRY_RUN" ] && [ "$(id -u)" != 0 ]; then
    say "backups need restic $RESTIC_MIN or newer; installing it needs root: sudo ./install.sh $VERB"
    return
  fi
  install_restic || true
  [ "$DRY_RUN" ] || check_restic
}

check_restic() {
  if restic_suffices; then say "restic is ready: $(restic_version)"; else
    say "no restic $RESTIC_MIN or newer found for this machine: backups will fail until there is one; see https://restic.net"
  fi
}

restic_version() { restic version 2>/dev/null | awk '{ print $2; exit }' || true; }
restic_suffices() { at_least "$(restic_version)" "$RESTIC_MIN"; }

install_restic() {
  if ! has apt-get; then
    say "installing restic from the distribution"
    run dnf install -y -q restic
    return
  fi
  # The list is there already where Docker was installed just now.
  [ "$(offered_version restic)" ] || apt_get update || true
  if [ "$DRY_RUN" ] || at_least "$(offered_version restic)" "$RESTIC_MIN"; then
    say "installing restic from $(os PRETTY_NAME)"
    apt_get install -y --no-install-recommends restic
  elif [ "$(os ID)" = debian ]; then
    install_from_suite sid restic restic
  fi
}

# What apt would install of a package now.
offered_version() { apt-cache policy "$1" 2>/dev/null | awk '$1 == "Candidate:" && $2 != "(none)" { print $2; exit }'; }
