// The Compose project that Caddy runs as: the host's own network, so that it reaches containers wherever they are; as
// little right as that takes. Pure.
import { stringify } from 'yaml';

export interface EdgePlace {
  image: string;
  /** On the host: where the admin socket and the certificates lie. */
  dir: string;
  /** Of the agent: the socket and the certificates are its group's. */
  groupId: number;
}

const EDGE_LABEL = 'longshore.edge';

/** Inside the container. */
export const INSIDE = {
  socket: '/edge/run/admin.sock',
  nobody: '/edge/run/nobody.sock',
  targets: '/edge/targets',
  state: '/edge/state',
  start: '/edge/start.json',
} as const;

export const toEdgeProject = ({ image, dir, groupId }: EdgePlace): string =>
  stringify({
    services: {
      caddy: {
        image,
        command: ['caddy', 'run', '--config', INSIDE.start],
        user: `0:${groupId}`,
        labels: { [EDGE_LABEL]: 'caddy' }, // by which install.sh finds it
        network_mode: 'host',
        restart: 'unless-stopped',
        read_only: true,
        cap_drop: ['ALL'],
        cap_add: ['NET_BIND_SERVICE'],
        security_opt: ['no-new-privileges:true'],
        environment: { HOME: '/edge/state', XDG_CONFIG_HOME: '/edge/state', XDG_DATA_HOME: '/edge/state' },
        volumes: [`${dir}:/edge`],
        logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } },
      },
    },
  });
