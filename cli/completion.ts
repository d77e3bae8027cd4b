// What the shell offers on Tab: yargs knows the commands and flags, the control plane the names.
import type { List, Service } from './api-types.ts';
import { connect } from './connect.ts';
import type { Template } from './template-types.ts';
import type { World } from './world.ts';

/** How yargs' script asks: `longshore --get-yargs-completions longshore services stop we`. */
const REQUEST = '--get-yargs-completions';
const SERVICE_VERBS = new Set([
  'get',
  'start',
  'stop',
  'restart',
  'enable',
  'disable',
  'update',
  'plan',
  'redeploy',
  'revisions',
  'rollback',
  'drift',
  'rm',
  'events',
]);

/** Of `longshore local`. */
const LOCAL_VERBS = new Set(['start', 'stop', 'restart', 'logs']);

/** Names that fit where the cursor is. Never fails: a shell that waits for Tab wants words or nothing. */
export async function fetchCompletions(world: World, args: string[]): Promise<string[]> {
  const at = args.indexOf(REQUEST);
  if (at < 0) return [];
  const [, command, verb] = args.slice(at + 1);
  return fetchNames(world, command, verb).catch(() => []);
}

async function fetchNames(world: World, command: string | undefined, verb: string | undefined): Promise<string[]> {
  if (command === 'logs' || (command === 'services' && SERVICE_VERBS.has(verb ?? ''))) {
    const list = await connect(world, {}).get<List<Service>>('/api/services', { per_page: 100 });
    return list.data.map((service) => service.name);
  }
  if (command === 'local' && LOCAL_VERBS.has(verb ?? '')) return fetchLocalNames(world);
  if (command === 'templates' && verb === 'get') {
    const list = await connect(world, {}).get<List<Template>>('/api/templates', { per_page: 100 });
    return list.data.map((template) => template.id);
  }
  return [];
}

async function fetchLocalNames(world: World): Promise<string[]> {
  const { openAgent } = await import('./local-client.ts'); // the other commands have no use for it
  const { localServices } = await import('#shared/local.ts');
  using agent = openAgent(world);
  return (await agent.get(localServices(), '/services')).data.map(({ name }) => name);
}
