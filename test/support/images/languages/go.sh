# Sourced: the Go toolchain without what only its own tests need, and a bare system for the programs that it makes.

go_root() {
  tar=$work/go.tar
  [ ! -e "$tar" ] || return 0
  local root=$work/go leave_out=("${leave_out[@]}")
  # Not its own tests and sources, nor what is compiled anew for each program in any case.
  leave_out+=(testdata './usr/lib/go-*/pkg/linux_*' './usr/share/go-*/'{src/cmd,test,misc,api})
  packaged "$root" 'golang|ca-certificates' golang-go ca-certificates
  certificates "$root"
  libraries "$root" "$root"/usr/lib/go-*/bin/go "$root"/usr/lib/go-*/pkg/tool/*/*
  pack "$root" "$tar"
}

system_root() {
  tar=$work/system.tar
  local root=$work/system
  system "$root"
  pack "$root" "$tar"
}
