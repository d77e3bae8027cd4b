# shellcheck shell=sh disable=SC2034,SC2154
# Part of install.sh: makes this machine a host.

CONNECT_LIMIT_SECONDS=60     # it takes a second or two
WITH_DOCKER='' PROXY=

agent() {
  read_agent_flags "$@"
  need_server
  ensure_program curl curl ca-certificates
  find_control
  probe_control
  explain_probe
  need_docker
  SOURCE=$URL/dist
  choose_release
  ensure_user "$AGENT_DIR"
  install_release
  write_policy
  put_token
  put_proxy
  install_units longshore-agent longshore-upgrade
  start_agent
  [ "$DRY_RUN" ] || wait_until_connected
}

read_agent_flags() {
  TOKEN=${LONGSHORE_TOKEN:-}
  while [ $# -gt 0 ]; do
    case $1 in
      --token | --proxy) [ "${2:-}" ] || wrong "$1 needs a value" ;;
    esac
    case $1 in
      --token) TOKEN=$2; shift ;;
      --token=*) TOKEN=${1#*=} ;;
      --with-docker) WITH_DOCKER=1 ;;
      --proxy) use_proxy "$2"; shift ;;
      --proxy=*) use_proxy "${1#*=}" ;;
      lsj_*) wrong "a join token goes behind --token" ;;
      *) wrong "agent takes no \"$1\"" ;;
    esac
    shift
  done
}

use_proxy() { PROXY=$1; export http_proxy="$1" https_proxy="$1"; } # `sudo` drops them from the environment

# The token says where control is: base64url of {"u":URL,…,"t":PIN OF ITS TLS KEY, where no authority vouches for it}.
find_control() {
  local body=${TOKEN#lsj_}
  if [ -z "$TOKEN" ]; then recall_control; return; fi
  while [ $((${#body} % 4)) != 0 ]; do body=$body=; done
  body=$(printf '%s' "$body" | tr '_-' '/+' | base64 -d 2>/dev/null) || body=
  URL=$(printf '%s' "$body" | sed -n 's/.*"u":"\([^"]*\)".*/\1/p')
  PIN=$(printf '%s' "$body" | sed -n 's/.*"t":"\([^"]*\)".*/\1/p')
  case $URL in
    http://* | https://*) URL=${URL%/} ;;
    *) stop $E_TOKEN "this is not a whole join token" "\`longshore hosts join\` prints the line anew" ;;
  esac
}

recall_control() {
  [ -r "$ETC/control-plane" ] || wrong "agent needs --token lsj_…; \`longshore hosts join\` prints the whole line"
  URL=$(sed -n 's/^URL=//p' "$ETC/control-plane") PIN=$(sed -n 's/^PIN=//p' "$ETC/control-plane")
}

need_docker() {
  if [ "$WITH_DOCKER" ]; then ensure_engine; ensure_restic; return; fi
  engine_answers || stop $E_DOCKER "no Docker Engine answers here" "add --with-docker to the line, and it is installed"
  { engine_suffices && plugins_suffice; } ||
    stop $E_DOCKER "this Docker is too old ($(versions)); needed: engine $ENGINE_MIN, compose $COMPOSE_MIN, buildx" "add --with-docker to the line"
}

write_policy() {
  [ ! -e "$ETC/policy.yaml" ] || return 0
  write "$ETC/policy.yaml" <<'TEXT'
# What services may ask of this host. The control plane cannot change it. A rule that is not named here is as built in:
# operator: what `docker compose` allows; tenant (services of customers, AI deploys): nothing beyond their own folder.
#
# operator:
#   privileged: false
#   bindFolders: [/srv/media]
# tenant:
#   containers: 10
TEXT
}

# A host that is in needs no token, and what an earlier run left is used up.
put_token() {
  [ "$TOKEN" ] || return 0
  if connected; then
    say "this host is connected already; the token was not used"
    return
  fi
  printf 'URL=%s\nPIN=%s\n' "$URL" "$PIN" | write "$ETC/control-plane"
  printf '%s\n' "$TOKEN" | write_private "$ETC/agent.token"
  CHANGED=1
}

# The agent's own way out.
put_proxy() {
  [ "$PROXY" ] || return 0
  put_setting "$ETC/agent.env" HTTPS_PROXY "$PROXY"
  put_setting "$ETC/agent.env" HTTP_PROXY "$PROXY"
  CHANGED=1
}

start_agent() {
  local action=start
  [ -z "$CHANGED" ] && runs_current longshore-agent.service || action=restart
  run systemctl enable --quiet longshore-agent.service
  [ ! -e "$UNITS/longshore-upgrade.path" ] || run systemctl enable --quiet --now longshore-upgrade.path
  # Whether it came up is looked at next, and explained.
  run systemctl "$action" longshore-agent.service || true
}

connected() { agent_status | grep -q '^connected to '; }
agent_status() { systemctl show -p StatusText --value longshore-agent.service 2>/dev/null || true; }

wait_until_connected() {
  local ends=$(($(date +%s) + CONNECT_LIMIT_SECONDS))
  until connected; do
    if [ "$(date +%s)" -gt "$ends" ] || refused; then explain_agent; fi
    sleep 0.5
  done
  rm -f "$ETC/agent.token"
  say "$(agent_status)"
}
