# Sourced: programs that tests need, from Debian packages that are unpacked and not installed.

# unpack_package NAME FOLDER: the package's files below FOLDER.
unpack_package() { unpack_packages "$2" "$1"; }

# unpack_packages FOLDER NAME...: likewise; asking for them together is many times faster.
unpack_packages() {
  local folder=$1 work package
  shift
  command -v apt-get >/dev/null || { echo "no $* here, and no apt-get to fetch it with" >&2; return 1; }
  work=$(mktemp -d)
  (
    cd "$work"
    apt-get download -qq "$@" >/dev/null 2>&1 || { apt-get update -qq && apt-get download -qq "$@" >/dev/null; }
    for package in *.deb; do dpkg-deb -x "$package" "$folder"; done
  )
  rm -rf "$work"
}
