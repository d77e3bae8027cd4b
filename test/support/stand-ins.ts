// Which port a stand-in (images/build.sh) has to listen on to be taken for the image whose name it has.

const PORTS: Record<string, number> = {
  'louislam/uptime-kuma': 3001,
  mariadb: 3306,
  postgres: 5432,
  redis: 6379,
};
const HTTP_PORT = 80;

/** Arguments for `ensureAliases`: `redis:7.4.5-alpine` → `redis:7.4.5-alpine=6379`. */
export const standInsFor = (images: string[]): string[] =>
  images.map((image) => `${image}=${PORTS[image.split(':')[0] ?? ''] ?? HTTP_PORT}`);
