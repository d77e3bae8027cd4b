// Which port a stand-in (images/build.sh) has to listen on to be taken for the image whose name it has.

const PORTS: Record<string, number> = {
  'clickhouse/clickhouse-server': 8123,
  'ghcr.io/goauthentik/server': 9000,
  'ghcr.io/immich-app/immich-machine-learning': 3003,
  'ghcr.io/immich-app/immich-server': 2283,
  'ghcr.io/immich-app/postgres': 5432,
  'ghcr.io/open-webui/open-webui': 8080,
  'ghcr.io/plausible/community-edition': 8000,
  'ghcr.io/umami-software/umami': 3000,
  'gitea/gitea': 3000,
  'grafana/grafana': 3000,
  'louislam/uptime-kuma': 3001,
  'mattermost/mattermost-team-edition': 8065,
  'metabase/metabase': 3000,
  'n8nio/n8n': 5678,
  'ollama/ollama': 11_434,
  'pgsty/minio': 9000,
  'prom/prometheus': 9090,
  'quay.io/keycloak/keycloak': 8080,
  'valkey/valkey': 6379,
  adminer: 8080,
  ghost: 2368,
  mariadb: 3306,
  mongo: 27_017,
  mysql: 3306,
  postgres: 5432,
  rabbitmq: 5672,
  redis: 6379,
};
const HTTP_PORT = 80;

/** Arguments for `ensureAliases`: `redis:7.4.5-alpine` → `redis:7.4.5-alpine=6379`. */
export const standInsFor = (images: string[]): string[] =>
  images.map((image) => `${image}=${PORTS[image.split(':')[0] ?? ''] ?? HTTP_PORT}`);
