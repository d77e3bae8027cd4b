// One service of a foreign compose file, without what only its own system understands.
import { isMap, listOf, textOf, type ComposeMap } from '#shared/compose/values.ts';
import { NotConvertible } from './conversion.ts';

export interface TidyContext {
  files: Readonly<Record<string, string>>;
  /** Networks that are taken out. */
  foreign: ReadonlySet<string>;
  lost: string[];
}

/** Labels by which proxies and panels find their containers: here they would do nothing. */
const PROXY_LABEL = /^(traefik|caddy|coolify|dokploy|runtipi|swag|captain|virtual[._]host|letsencrypt)([._-]|$)/i;
/** Of `deploy` what needs a swarm. */
const SWARM_KEYS = ['mode', 'placement', 'endpoint_mode', 'update_config', 'rollback_config', 'labels'];
/** What Compose takes for the folder's `.env`, which holds all variables here. Portainer calls it `stack.env`. */
const OWN_ENV_FILES = ['.env', './.env', 'stack.env', './stack.env'];

/** Throws NotConvertible when it cannot run without files that are elsewhere. */
export function tidyService(name: string, given: unknown, context: TidyContext): ComposeMap {
  if (!isMap(given)) throw new NotConvertible(`its service ${name} is not a mapping`);
  const service = { ...given };
  const { lost } = context;
  if (service['container_name'] !== undefined) {
    delete service['container_name'];
    lost.push(`container_name of ${name}: with it there could be one copy only`);
  }
  requireNoParent(name, service);
  tidyBuild(name, service, lost);
  tidyEnvFiles(name, service, context);
  fillBareEnvironment(service);
  tidyLabels(name, service, lost);
  tidyNetworks(service, context.foreign);
  tidyDeploy(name, service, lost);
  tellMissingMounts(name, service, context);
  return service;
}

function requireNoParent(name: string, service: ComposeMap): void {
  const base = service['extends'];
  if (isMap(base) && base['file'] !== undefined)
    throw new NotConvertible(`its service ${name} extends one of another file`);
}

function tidyBuild(name: string, service: ComposeMap, lost: string[]): void {
  const { build } = service;
  if (build === undefined || (isMap(build) && build['dockerfile_inline'] !== undefined)) return;
  if (service['image'] === undefined) throw new NotConvertible(`its service ${name} is built from its repository`);
  delete service['build'];
  lost.push(`build of ${name}: the image is pulled instead`);
}

function tidyEnvFiles(name: string, service: ComposeMap, { files, lost }: TidyContext): void {
  if (service['env_file'] === undefined) return;
  const kept = listOf(service['env_file']).flatMap((entry) => {
    const path = isMap(entry) ? textOf(entry['path']) : textOf(entry);
    if (OWN_ENV_FILES.includes(path)) return ['.env'];
    if (Object.hasOwn(files, path.replace(/^\.\//, ''))) return [entry];
    lost.push(`env_file ${path} of ${name}: there is no such file`);
    return [];
  });
  if (kept.length > 0) service['env_file'] = kept;
  else delete service['env_file'];
}

/** `- NAME` alone and `NAME:` stand for the variable of that name; said in full, it is one that the form must have. */
function fillBareEnvironment(service: ComposeMap): void {
  const { environment } = service;
  if (Array.isArray(environment)) {
    service['environment'] = environment.map((entry) =>
      /^[A-Za-z_]\w*$/.test(textOf(entry)) ? `${entry}=\${${entry}}` : (entry as unknown),
    );
  } else if (isMap(environment)) {
    const filled = Object.entries(environment).map(([key, value]) => [key, value ?? `\${${key}}`]);
    service['environment'] = Object.fromEntries(filled);
  }
}

function tidyLabels(name: string, service: ComposeMap, lost: string[]): void {
  const { labels } = service;
  if (labels === undefined) return;
  const kept = isMap(labels)
    ? Object.fromEntries(Object.entries(labels).filter(([label]) => !PROXY_LABEL.test(label)))
    : listOf(labels).filter((label) => !PROXY_LABEL.test(textOf(label)));
  if (Object.keys(kept).length < Object.keys(isMap(labels) ? labels : listOf(labels)).length)
    lost.push(`labels of ${name} for a proxy: the service answers on its host ports`);
  if (Object.keys(kept).length > 0) service['labels'] = kept;
  else delete service['labels'];
}

function tidyNetworks(service: ComposeMap, foreign: ReadonlySet<string>): void {
  const { networks } = service;
  if (networks === undefined || foreign.size === 0) return;
  const kept = isMap(networks)
    ? Object.fromEntries(Object.entries(networks).filter(([network]) => !foreign.has(network)))
    : listOf(networks).filter((network) => !foreign.has(textOf(network)));
  if (Object.keys(kept).length > 0) service['networks'] = kept;
  else delete service['networks'];
}

function tidyDeploy(name: string, service: ComposeMap, lost: string[]): void {
  const { deploy } = service;
  if (!isMap(deploy)) return;
  const gone = Object.keys(deploy).filter((key) => SWARM_KEYS.includes(key));
  if (gone.length > 0) lost.push(`deploy.${gone.join(', deploy.')} of ${name}: that is for a swarm`);
  const kept = Object.entries(deploy).filter(([key]) => !gone.includes(key));
  if (kept.length > 0) service['deploy'] = Object.fromEntries(kept);
  else delete service['deploy'];
}

/** Docker makes an empty folder of what is not there; where a file was meant, the start fails. */
function tellMissingMounts(name: string, service: ComposeMap, { files, lost }: TidyContext): void {
  for (const mount of listOf(service['volumes'])) {
    const source = isMap(mount) ? textOf(mount['source']) : (textOf(mount).split(':')[0] ?? '');
    const path = source.replace(/^\.\//, '').replace(/\/$/, '');
    const isHere = Object.keys(files).some((file) => file === path || file.startsWith(`${path}/`));
    if (!source.startsWith('./') || isHere || !/\.[a-z]{1,5}$/i.test(path)) continue;
    lost.push(`${source}, mounted by ${name}: the file is not part of the import`);
  }
}
