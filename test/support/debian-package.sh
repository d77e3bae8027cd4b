# Sourced: programs that tests need, from Debian packages that are unpacked and not installed.

# unpack_package NAME FOLDER: the package's files below FOLDER.
unpack_package() {
  local name=$1 folder=$2 work
  command -v apt-get >/dev/null || { echo "no $name here, and no apt-get to fetch it with" >&2; return 1; }
  work=$(mktemp -d)
  (
    cd "$work"
    apt-get download -qq "$name" >/dev/null 2>&1 || { apt-get update -qq && apt-get download -qq "$name" >/dev/null; }
    dpkg-deb -x "$name"_*.deb "$folder"
  )
  rm -rf "$work"
}
