# shellcheck shell=sh disable=SC2034,SC2154
# Part of install.sh: the settings of a control plane. Those that flags name are written, the others stay.

SETTINGS=$ETC/control.env
RESTART=

put_settings() {
  [ "$DOMAIN$LISTEN$TLS" ] || [ ! -e "$SETTINGS" ] || return 0
  : "${TLS:=$(setting LONGSHORE_TLS)}"
  : "${TLS:=auto}" "${LISTEN:=$(setting LONGSHORE_LISTEN)}"
  if [ "$TLS" = off ]; then : "${LISTEN:=127.0.0.1:8080}"; else : "${LISTEN:=$(any_address):8443}"; fi
  [ "$TLS" != auto ] || ensure_program openssl openssl # makes the certificate
  put_setting "$SETTINGS" LONGSHORE_LISTEN "$LISTEN"
  put_setting "$SETTINGS" LONGSHORE_TLS "$(readable_certificate)"
  put_setting "$SETTINGS" LONGSHORE_PUBLIC_URL "$(public_url)"
  # A proxy on this machine tells whose request it is: limits by address would count all as one.
  case $TLS:$LISTEN in off:127.*) put_setting "$SETTINGS" LONGSHORE_TRUSTED_PROXY 127.0.0.1 ;; esac
  put_socket
  RESTART=1
}

setting() { sed -n "s/^$1=//p" "$SETTINGS" 2>/dev/null || true; }

# Behind a proxy a domain is that of the proxy, whose port is the usual one.
public_url() {
  local port=:${LISTEN##*:} host=$DOMAIN
  [ "$host" ] || host=$(setting LONGSHORE_PUBLIC_URL | sed 's|^[a-z]*://||; s|/.*||; s|:[0-9]*$||')
  case $TLS:$DOMAIN:$LISTEN in
    off::127.*) printf 'http://127.0.0.1%s' "$port" ;;
    off::*) printf 'http://%s%s' "${host:-$(own_address)}" "$port" ;;
    off:*) printf 'https://%s' "$host" ;;
    *) printf 'https://%s%s' "${host:-$(own_address)}" "${port%:443}" ;;
  esac
}

# As in a URL. A machine may have addresses of IPv6 only.
own_address() {
  local address
  if has ip; then
    address=$(source_towards -4 192.0.2.1)
    [ "$address" ] || address=$(source_towards -6 2001:db8::1)
  else
    address=$(hostname -I | cut -d ' ' -f 1)
  fi
  case $address in *:*) printf '[%s]' "$address" ;; *) printf '%s' "${address:-$(hostname)}" ;; esac
}

source_towards() { ip "$1" route get "$2" 2>/dev/null | sed -n 's/.* src \([0-9a-f.:]*\).*/\1/p' || true; }
any_address() { case $(own_address) in \[*) printf '[::]' ;; *) printf '0.0.0.0' ;; esac; }

# The key of a certificate stays root's: systemd hands it to the control plane.
readable_certificate() {
  local given=/run/credentials/longshore-control.service conf=$UNITS/longshore-control.service.d/tls.conf
  case $TLS in
    "$given"*) printf '%s' "$TLS" ;;
    *,*)
      printf '[Service]\nLoadCredential=tls.crt:%s\nLoadCredential=tls.key:%s\n' "${TLS%%,*}" "${TLS#*,}" | write "$conf"
      printf '%s/tls.crt,%s/tls.key' "$given" "$given"
      ;;
    *)
      [ ! -e "$conf" ] || run rm -f "$conf"
      printf '%s' "$TLS"
      ;;
  esac
}

# A port below 1024 is systemd's to open; the control plane has no such right.
put_socket() {
  local conf=$UNITS/longshore-control.socket.d/listen.conf
  if [ "${LISTEN##*:}" -lt 1024 ]; then
    printf '[Socket]\nListenStream=\nListenStream=%s\n' "$LISTEN" | write "$conf"
  else
    [ ! -e "$conf" ] || { run systemctl disable --quiet --now longshore-control.socket; run rm -rf "${conf%/*}"; }
  fi
}
