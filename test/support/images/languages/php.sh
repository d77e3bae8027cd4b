# Sourced: Apache with mod_php, laid out as the well-known image, with Composer on the same PHP.

# What Debian's maintainer scripts turn on.
APACHE_MODULES='alias authz_core authz_host dir env filter mime mpm_prefork php* setenvif'
PHP_EXTENSIONS='mysqlnd pdo ctype fileinfo iconv intl mbstring phar posix tokenizer'

php_root() {
  tar=$work/php.tar
  [ ! -e "$tar" ] || return 0
  local root=$work/php
  packaged "$root" 'lib|zlib|php|apache2|composer|jsonlint|media-types|tzdata|ca-certificates' \
    apache2 libapache2-mod-php php-cli php-mysql php-intl composer ca-certificates
  certificates "$root"
  printf 'www-data:x:33:33:www-data:/var/www:/bin/false\n' >>"$root/etc/passwd"
  printf 'www-data:x:33:\n' >>"$root/etc/group"
  mkdir -p "$root"/{app,run,var/{run,lock,log}/apache2,var/www/html}
  chmod 1777 "$root"/var/{run,lock,log}/apache2
  ln -s /dev/stdout "$root/var/log/apache2/access.log"
  ln -s /dev/stderr "$root/var/log/apache2/error.log"
  ln -sf "$(cd "$root" && ls usr/bin/php[0-9]* | sed 's|.*/||')" "$root/usr/bin/php"
  install "$HERE"/languages/php/{a2enmod,apache2-foreground,docker-php-ext-install} "$root/usr/local/bin/"
  apache_settings "$root/etc/apache2"
  php_settings "$root"/etc/php/*
  libraries "$root" "$root"/usr/bin/php[0-9]* "$root"/usr/sbin/apache2 "$root"/usr/lib/apache2/modules/*.so
  pack "$root" "$tar"
}

apache_settings() {
  local module
  install -m 644 "$HERE/languages/php/docker-php.conf" "$1/conf-available/"
  ln -s ../conf-available/docker-php.conf "$1/conf-enabled/"
  ln -s ../sites-available/000-default.conf "$1/sites-enabled/"
  for module in $APACHE_MODULES; do
    (cd "$1/mods-enabled" && ln -s ../mods-available/$module.* .)
  done
}

php_settings() {
  local sapi extension
  for sapi in apache2 cli; do
    mkdir -p "$1/$sapi/conf.d"
    for extension in $PHP_EXTENSIONS; do echo "extension=$extension.so" >"$1/$sapi/conf.d/10-$extension.ini"; done
  done
}
