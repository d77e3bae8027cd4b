# shellcheck shell=sh disable=SC2034,SC2154
# Part of install.sh: a release from a folder or from the control plane: verified, unpacked, in use or not at all.

ROOT=/opt/longshore
COMMAND=/usr/local/bin/longshore
CACHE=/var/cache/longshore   # of a download under way; gone once it is installed
CONNECT_SECONDS=15           # for one connection to the control plane
TRIES=5                      # of a download that breaks off
BUILD="on the control plane: npm run build, then install.sh control"
SOURCE='' PIN='' VERSION='' PREVIOUS=''

# Reads what SOURCE (a URL or a folder) offers, once the signature is good.
choose_release() {
  local installed
  if [ "$DRY_RUN" ]; then say "would take the release${RELEASE_VERSION:+ $RELEASE_VERSION} for linux-$ARCH from $SOURCE"; CHANGED=1; return; fi
  mkdir -p "$CACHE"
  { take SHA256SUMS && take SHA256SUMS.sig; } || stop $E_RELEASE "$SOURCE offers no release" "$BUILD"
  find_key
  ! openssl_can || signed_by_openssl || not_signed
  TARBALL=$(tarball_for_us)
  [ "$TARBALL" ] || stop $E_RELEASE "$SOURCE has no release for linux-$ARCH" "$BUILD"
  VERSION=${TARBALL#longshore-} VERSION=${VERSION%-linux-*}
  installed=$(installed_version)
  if [ "${installed%.before}" != "$VERSION" ]; then
    CHANGED=1
    [ -z "$installed" ] || at_least "$VERSION" "$installed" || keep_newer "$installed"
  elif ! same_build; then CHANGED=1; fi
}

keep_newer() {
  [ "$VERB" = agent ] || stop $E_RELEASE "Longshore $1 is installed, newer than $VERSION: nothing was changed"
  say "Longshore $1 is installed, newer than $VERSION, and stays"
  VERSION=$1 CHANGED=
}

# take FILE : from SOURCE into CACHE. A download that breaks off goes on where it was, also in the next run.
take() {
  local tries=$TRIES fault
  case $SOURCE in /*) cp "$SOURCE/$1" "$CACHE/$1"; return ;; esac
  case $1 in *.tar.*) ;; *) rm -f "$CACHE/$1" ;; esac
  while :; do
    fault=0
    from_control --retry "$TRIES" -C - -o "$CACHE/$1" "$SOURCE/$1" || fault=$?
    tries=$((tries - 1))
    # 22 is an answer: curl has repeated what is worth it. 33 and 36: what is here cannot be gone on with.
    case $fault:$tries in 0:* | 22:* | 33:* | 36:* | *:0) return $fault ;; esac
    say "$1 broke off; going on in 2 s"
    sleep 2
  done
}

# The pin stands for a certificate authority. A body that stops for 30 s has ended; curl takes the proxy of https_proxy.
from_control() {
  [ -z "$PIN" ] || set -- --insecure --pinnedpubkey "$PIN" "$@"
  curl -fsSL --connect-timeout "$CONNECT_SECONDS" --speed-limit 1 --speed-time 30 "$@"
}

# The key of the first release is the key of all later ones.
find_key() {
  if [ "$RELEASE_KEY" ]; then
    printf -- '-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n' "$RELEASE_KEY" >"$CACHE/release.pub"
  else
    take release.pub || stop $E_RELEASE "$SOURCE has no release.pub" "$BUILD"
  fi
  [ ! -e "$ETC/release.pub" ] || cmp -s "$CACHE/release.pub" "$ETC/release.pub" ||
    stop $E_RELEASE "$SOURCE signs with another key than the one in $ETC/release.pub: nothing was changed" \
      "if the key was changed on purpose: rm $ETC/release.pub"
}

openssl_can() { has openssl && at_least "$(openssl version | awk '{ print $2 }')" 3.0; }
signed_by_openssl() {
  openssl pkeyutl -verify -pubin -inkey "$CACHE/release.pub" -rawin -in "$CACHE/SHA256SUMS" \
    -sigfile "$CACHE/SHA256SUMS.sig" >/dev/null 2>&1
}
# Where openssl is too old for Ed25519: by the Node that is installed, and the first time by that of the release itself,
# whose checksum is right by then.
signed_by_node() { # signed_by_node UNPACKED
  local node=$ROOT/current/bin/node
  [ -x "$node" ] || node=$1/bin/node
  # shellcheck disable=SC2016
  "$node" -e 'const [key, text, signature] = process.argv.slice(1).map((file) => require("fs").readFileSync(file));
    process.exit(require("crypto").verify(null, text, key, signature) ? 0 : 1)' \
    "$CACHE/release.pub" "$CACHE/SHA256SUMS" "$CACHE/SHA256SUMS.sig"
}
not_signed() { stop $E_RELEASE "the signature of $SOURCE/SHA256SUMS is wrong: nothing was changed" "$BUILD"; }

tarball_for_us() {
  local ending=gz
  ! has xz || ! grep -q "linux-$ARCH\.tar\.xz\$" "$CACHE/SHA256SUMS" || ending=xz
  awk -v name="^longshore-[0-9][0-9A-Za-z.+-]*-linux-${ARCH}[.]tar[.]$ending\$" '$2 ~ name { print $2; exit }' "$CACHE/SHA256SUMS"
}

installed_version() { [ ! -L "$ROOT/current" ] || basename "$(readlink "$ROOT/current")"; }
# A version that was built anew keeps its name; what was unpacked is known by the sum of its tarball.
listed_sum() { awk -v name="$TARBALL" '$2 == name { print $1 }' "$CACHE/SHA256SUMS"; }
same_build() { [ ! -e "$ROOT/current/.$TARBALL" ] || [ "$(cat "$ROOT/current/.$TARBALL")" = "$(listed_sum)" ]; }
intact() { [ -e "$CACHE/$TARBALL" ] && printf '%s  %s\n' "$(listed_sum)" "$CACHE/$TARBALL" | sha256sum -c --status; }

# What broke off waits for the next run. What is whole and wrong, or cannot be gone on with, is had anew, once.
take_tarball() {
  local fault=0
  ! intact || return 0
  take "$TARBALL" || fault=$?
  ! intact || return 0
  case $fault in 0 | 22 | 33 | 36) rm -f "$CACHE/$TARBALL" ;; *) return 1 ;; esac
  say "$TARBALL was not what SHA256SUMS says; once more from the start"
  take "$TARBALL" && intact && return
  rm -f "$CACHE/$TARBALL"
  return 1
}

install_release() {
  local unpacked=$ROOT/releases/.unpacked
  if [ "$DRY_RUN" ]; then say "would unpack it into $ROOT/releases and point $ROOT/current and $COMMAND at it"; return; fi
  mkdir -p "$ETC" "$ROOT/releases"
  if [ "$CHANGED" ]; then
    say "installing Longshore $VERSION into $ROOT"
    take_tarball || stop $E_RELEASE "$TARBALL could not be had whole from $SOURCE: nothing was changed" "run this again"
    rm -rf "$unpacked" && mkdir "$unpacked"
    tar -xf "$CACHE/$TARBALL" -C "$unpacked" --strip-components 1 --no-same-owner
    openssl_can || signed_by_node "$unpacked" || not_signed
    "$unpacked/bin/longshore" --version >/dev/null || stop $E_MACHINE "the release does not run here; it needs glibc 2.34"
    listed_sum >"$unpacked/.$TARBALL"
    find "$unpacked" -exec sync {} + # a power cut after the switch must not find empty files
    switch_to "$unpacked"
  fi
  [ -e "$ETC/release.pub" ] || cp "$CACHE/release.pub" "$ETC/release.pub"
  rm -rf "$CACHE"
}

# The release before stays, for the way back and for what still runs of it.
switch_to() { # switch_to UNPACKED
  local old
  PREVIOUS=$(installed_version)
  if [ "$PREVIOUS" = "$VERSION" ]; then
    PREVIOUS=$VERSION.before
    rm -rf "$ROOT/releases/$PREVIOUS"
    mv "$ROOT/releases/$VERSION" "$ROOT/releases/$PREVIOUS"
  fi
  rm -rf "$ROOT/releases/$VERSION"
  mv "$1" "$ROOT/releases/$VERSION"
  point_to "$VERSION"
  ln -sfn "$ROOT/current/bin/longshore" "$COMMAND"
  for old in "$ROOT"/releases/*; do
    case ${old##*/} in "$VERSION" | "$PREVIOUS") ;; *) rm -rf "$old" ;; esac
  done
}

point_to() { ln -sfn "releases/$1" "$ROOT/.current" && mv -fT "$ROOT/.current" "$ROOT/current"; }
