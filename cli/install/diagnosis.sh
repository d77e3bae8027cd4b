# shellcheck shell=sh disable=SC2034,SC2154
# Part of install.sh: why a host does not connect: the one most likely cause, and the way out.

SKEW_LIMIT_SECONDS=300       # certificates are valid for days before and after

# What curl makes of control (PROBE), and by how many seconds our clock is ahead of control's (SKEW).
probe_control() {
  local date
  PROBE=0 SKEW=0
  from_control --max-time 20 -o /dev/null "$URL/healthz" 2>/dev/null || PROBE=$?
  date=$(curl -sI --insecure --max-time 10 "$URL/healthz" | tr -d '\r' | sed -n 's/^[Dd]ate: //p') || true
  if [ "$date" ] && date=$(date -d "$date" +%s 2>/dev/null); then SKEW=$(($(date +%s) - date)); fi
}

clock_is_wrong() { [ "$SKEW" -gt "$SKEW_LIMIT_SECONDS" ] || [ "$SKEW" -lt "-$SKEW_LIMIT_SECONDS" ]; }

explain_probe() {
  case $PROBE in
    0) ! clock_is_wrong || say "the clock of this machine is ${SKEW#-} s away from the control plane's: check NTP" ;;
    5 | 6) stop $E_DNS "no address is known here for $URL" "check the name, and this machine's DNS (/etc/resolv.conf)" ;;
    22) stop $E_REACH "$URL answers, but not as a Longshore" "check the URL, and the proxy before it" ;;
    35 | 5[1389] | 60 | 66 | 77 | 8[0-3] | 9[01]) explain_tls ;;
    *) stop $E_REACH "nobody answers at $URL (curl: $PROBE)" "check that it runs, its firewall, and ours; a way out through a proxy: --proxy URL" ;;
  esac
}

explain_tls() {
  ! clock_is_wrong || stop $E_CLOCK "the clock of this machine is ${SKEW#-} s away from the control plane's, so no certificate is valid" "timedatectl set-ntp true"
  [ "$PROBE" != 90 ] || stop $E_TLS "$URL has another key than the one this line was made for" "make a new line; if the key is the same there, somebody is in between"
  stop $E_TLS "the certificate of $URL is not trusted here (curl: $PROBE)" "renew it, or install its authority with update-ca-certificates"
}

# The code of the last failure since this start.
last_fault() {
  journalctl -o cat -n 20 "_SYSTEMD_INVOCATION_ID=$(systemctl show -p InvocationID --value longshore-agent.service)" |
    grep -o '"code":"[a-z_]*"' | tail -n 1 | cut -d '"' -f 4 || true
}

# What no waiting mends.
refused() {
  case $(last_fault) in
    token_invalid | revoked | identity_conflict) return 0 ;;
    *) systemctl is-failed --quiet longshore-agent.service ;;
  esac
}

explain_agent() {
  local line="a line with a new token: \`longshore hosts join\`"
  probe_control
  explain_probe
  case $(last_fault) in
    token_invalid) stop $E_TOKEN "the control plane refuses the token: unknown, used up or expired" "$line" ;;
    revoked) stop $E_TOKEN "this host was revoked at the control plane" "$line" ;;
    state_conflict) stop $E_TOKEN "this host belongs to another control plane" "leave that one first: install.sh uninstall --purge" ;;
    identity_conflict) stop $E_TOKEN "another machine has this host's key; was it cloned?" "rm -r $AGENT_DIR on the copy, and $line" ;;
    handshake_failed) stop $E_TLS "$URL has not the key that the token was made for" "$line" ;;
  esac
  engine_answers || stop $E_DOCKER "Docker does not answer: $(docker info 2>&1 | tail -n 1)" "systemctl restart docker"
  journalctl -u longshore-agent.service -o cat -n 10 --no-pager >&2 || true
  stop 1 "the agent has not connected within $CONNECT_LIMIT_SECONDS s: $(agent_status)" "journalctl -u longshore-agent"
}
