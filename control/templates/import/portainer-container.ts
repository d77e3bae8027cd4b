// A container of Portainer's list as a compose file of one service.
import { escapeDollars } from '../interpolation.ts';
import { variableNameOf } from './form.ts';
import { slugOf } from './conversion.ts';
import type { PortainerEntry } from './portainer-entry.ts';
import type { Stack } from './stack.ts';

const OWN_NETWORKS = ['', 'bridge', 'default'];
const WITHOUT_OWN_NETWORK = ['host', 'none'];

export function toContainerService(entry: PortainerEntry, stack: Stack): void {
  const { image, registry, command, hostname, labels } = entry;
  const service = slugOf(entry.name || entry.title);
  const isAlone = WITHOUT_OWN_NETWORK.includes(entry.network);
  if (!isAlone && !OWN_NETWORKS.includes(entry.network)) stack.lost.push(`network ${entry.network}: it is outside`);
  const volumes = (entry.volumes ?? []).map(toMount);
  const environment = (entry.env ?? []).map(({ name }) => [name, `\${${variableNameOf(name)}}`]);
  const ports = isAlone ? [] : (entry.ports ?? []).map((port) => toPort(port, service, stack));
  const kept = (labels ?? []).map(({ name, value }) => [name, escapeDollars(value)]);
  stack.root = {
    services: {
      [service]: {
        image: escapeDollars(registry === '' ? image : `${registry.replace(/\/$/, '')}/${image}`),
        restart: escapeDollars(entry.restart_policy),
        ...(command !== '' && { command: escapeDollars(command) }),
        ...(hostname !== '' && { hostname: escapeDollars(hostname) }),
        ...(isAlone && { network_mode: entry.network }),
        ...(entry.privileged && { privileged: true }),
        ...(entry.interactive && { stdin_open: true, tty: true }),
        ...(environment.length > 0 && { environment: Object.fromEntries(environment) as object }),
        ...(ports.length > 0 && { ports }),
        ...(volumes.length > 0 && { volumes }),
        ...(kept.length > 0 && { labels: Object.fromEntries(kept) as object }),
      },
    },
  };
}

/** `8080:80/tcp` or `80/tcp`; the host's side becomes a variable, so that two copies fit on one host. */
function toPort(text: string, service: string, { form, ports, lost }: Stack): unknown {
  const [, host, container = '', protocol = 'tcp'] = /^(?:(\d+):)?(\d+)(?:\/(tcp|udp))?$/.exec(text.trim()) ?? [];
  if (container === '') {
    lost.push(`the form of port ${text}: it is published as written`);
    return escapeDollars(text);
  }
  const name = `PORT_${container}${protocol === 'udp' ? '_UDP' : ''}`;
  form.addPort(name, `Port of the host for ${container}/${protocol}`, host);
  ports.push({ service, container: Number(container), protocol, var: name });
  return { target: Number(container), published: `\${${name}}`, protocol };
}

/** Without a `bind` Portainer makes a volume; its name is made of where it is mounted. */
function toMount(volume: NonNullable<PortainerEntry['volumes']>[number]): object {
  const {
    container,
    bind = '',
    readonly: isReadOnly,
  } = typeof volume === 'string' ? { container: volume, bind: '', readonly: false } : volume;
  const where = { target: escapeDollars(container), ...(isReadOnly && { read_only: true }) };
  if (bind === '') return { type: 'volume', source: slugOf(container), ...where };
  return { type: 'bind', source: escapeDollars(bind), ...where, bind: { create_host_path: true } };
}
