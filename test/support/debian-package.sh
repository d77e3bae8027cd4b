# Sourced: programs that tests need, from Debian packages that are unpacked and not installed.

# package_lists: those of apt, where this machine has none yet; `package_lists renewed`: in any case. The scripts that
# need them run side by side, and apt's own lock does not wait.
package_lists() {
  (
    flock 8
    if [ "${1:-}" != renewed ] && ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1; then exit; fi
    apt-get update -qq >&2
  ) 8>"${TMPDIR:-/tmp}/longshore-test-apt.lock"
}

# cached PROGRAM ARGUMENT...: one of apt's; what it makes of its lists is kept in $work, where a script has one. Images of
# Debian are set up to make it anew for each call.
cached() { "$1" ${work:+-o "Dir::Cache::srcpkgcache=$work/packages.cache"} "${@:2}"; }

# unpack_package NAME FOLDER: the package's files below FOLDER.
unpack_package() { unpack_packages "$2" "$1"; }

# unpack_packages FOLDER NAME...: likewise; asking for them together is many times faster. Without what $leave_out names.
unpack_packages() {
  local folder=$1 downloads package
  shift
  command -v apt-get >/dev/null || { echo "no $* here, and no apt-get to fetch it with" >&2; return 1; }
  package_lists
  mkdir -p "$folder"
  downloads=$(mktemp -d)
  (
    cd "$downloads"
    cached apt-get download -qq "$@" >/dev/null 2>&1 ||
      { package_lists renewed && cached apt-get download -qq "$@" >/dev/null; }
    for package in *.deb; do
      dpkg-deb --fsys-tarfile "$package" | tar -xp -C "$folder" --keep-directory-symlink \
        --no-wildcards-match-slash "${leave_out[@]/#/--exclude=}"
    done
  )
  rm -rf "$downloads"
}

leave_out=(./usr/share/{doc,locale,man})
