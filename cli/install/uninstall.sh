# shellcheck shell=sh disable=SC2034,SC2154
# Part of install.sh: takes agent and control plane away.

uninstall() {
  case "$*" in
    '') PURGE= ;;
    --purge) PURGE=1 ;;
    *) wrong "uninstall takes no \"$*\"" ;;
  esac
  need_root
  remove_units
  [ -z "$PURGE" ] || remove_services
  run rm -rf "$ROOT" "$COMMAND" "$CACHE" "$ETC/agent.token" "$ETC/control-plane" "$ETC/release.pub"
  if [ "$PURGE" ]; then run rm -rf "$ETC" "$AGENT_DIR" "$CONTROL_DIR"; else keep_data; fi
  ! id longshore >/dev/null 2>&1 || run userdel longshore
}

remove_units() {
  local unit
  for unit in "$UNITS"/longshore-agent* "$UNITS"/longshore-upgrade* "$UNITS"/longshore-control*; do
    [ -e "$unit" ] || continue
    case $unit in
      *.d) ;;
      *) run systemctl disable --quiet --now "${unit##*/}" || true ;;
    esac
    run rm -rf "$unit"
  done
  run systemctl daemon-reload
}

# The containers that Longshore made, with the networks and volumes of their projects.
remove_services() {
  local projects project
  engine_answers || { say "Docker does not answer: containers and volumes stay"; return; }
  projects=$(docker ps -a --filter label=longshore.service --format '{{.Label "com.docker.compose.project"}}' | sort -u)
  remove_each "docker rm -f" "$(docker ps -aq --filter label=longshore.service)"
  remove_each "docker rm -f" "$(docker ps -aq --filter label=longshore.edge)"
  remove_each "docker rm -f" "$(docker ps -aq --filter label=longshore.tool)"
  remove_each "docker rmi" "$(docker images -q longshore/restore)"
  for project in $projects; do
    remove_each "docker network rm" "$(docker network ls -q --filter "label=com.docker.compose.project=$project")"
    remove_each "docker volume rm" "$(docker volume ls -q --filter "label=com.docker.compose.project=$project")"
  done
}

# shellcheck disable=SC2086
remove_each() { [ -z "$2" ] || run $1 $2 >/dev/null; }

# The number of a removed user may become somebody else's: nobody but root gets in.
keep_data() {
  local folder
  for folder in "$AGENT_DIR" "$CONTROL_DIR"; do
    [ ! -d "$folder" ] || { run chown root:root "$folder"; say "kept: $folder"; }
  done
  [ ! -d "$ETC" ] || say "kept: $ETC"
  say "services run on as they are; Docker was not touched"
}
