# Sourced: Ruby with Bundler; Puma and Rack are gems that it brings along.

ruby_root() {
  tar=$work/ruby.tar
  [ ! -e "$tar" ] || return 0
  local root=$work/ruby
  packaged "$root" 'lib|zlib|ruby|puma|rake' ruby ruby-bundler puma ruby-rack
  mkdir -p "$root/usr/local/bundle"
  libraries "$root" "$root"/usr/bin/ruby[0-9]* "$root"/usr/lib/*/libruby-*.so.*
  pack "$root" "$tar"
}
