# Sourced: root file systems that packages of Debian fit into, and what the packages need. For after stand-in.sh.

# system ROOT: busybox, root, and the folders of a merged /usr.
system() {
  mkdir -p "$1"/{dev,etc,proc,root,sys,tmp,var,usr/{bin,lib,lib64,local/bin,local/lib}}
  chmod 1777 "$1/tmp"
  ln -s usr/bin "$1/bin"
  ln -s usr/bin "$1/sbin"
  ln -s usr/lib "$1/lib"
  ln -s usr/lib64 "$1/lib64"
  applets "$1/usr/bin"
  printf 'root:x:0:0:root:/root:/bin/sh\n' >"$1/etc/passwd"
  printf 'root:x:0:\n' >"$1/etc/group"
}

# libraries ROOT FILE...: the shared libraries that these programs and modules load and that are not there yet.
libraries() {
  local root=$1 library
  shift
  { ldd "$@" 2>/dev/null || true; } | sed -nE 's|^[^/]*(/[^ ]+\.so[^ ]*).*|\1|p' | sort -u | while read -r library; do
    [ ! -e "$library" ] || [ -e "$root$library" ] || install -D "$(readlink -f "$library")" "$root$library"
  done
}

# LLVM is larger than all the rest and only makes queries faster; libc must be the one that goes with this machine's loader.
UNUSED='^(libllvm.*|libperl.*|libc6)$'

# needs_of NAMES PACKAGE... : those whose names begin like this of all that apt would install on a bare machine.
needs_of() {
  local names=$1
  shift
  cached apt-get --simulate -o Dir::State::status=/dev/null install --no-install-recommends "$@" |
    sed -nE "s/^Inst (($names)[^ ]*) .*/\1/p" | grep -vE "$UNUSED"
}

# packaged ROOT NAMES PACKAGE... : a system with these packages and what they need, without anything being set up.
packaged() {
  local root=$1 names=$2 folder
  shift 2
  system "$root"
  unpack_packages "$root.packages" $(needs_of "$names" "$@")
  for folder in bin sbin lib; do
    [ ! -d "$root.packages/$folder" ] || cp -al --remove-destination "$root.packages/$folder/." "$root/usr/$folder/"
    rm -rf "$root.packages/$folder"
  done
  cp -al --remove-destination "$root.packages/." "$root/"
  rm -rf "$root.packages"
}

# certificates ROOT: from ca-certificates, as its maintainer script would put them together.
certificates() {
  mkdir -p "$1/etc/ssl/certs"
  cat "$1"/usr/share/ca-certificates/mozilla/*.crt >"$1/etc/ssl/certs/ca-certificates.crt"
}
