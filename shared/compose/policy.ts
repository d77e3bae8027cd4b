// Judges what a compose file asks for: pure, over plain data. Called by control on the file as written, and by the agent
// on the same and then on what `docker compose config` makes of it. The agent's verdict on the latter is the one that
// counts: only there are all variables filled in. Symlinks are the agent's business too (agent/policy.ts).
import { LongshoreError } from '../errors.ts';
import { judgeAmounts } from './judge-amounts.ts';
import { judgeFiles } from './judge-files.ts';
import { judgeLabels } from './judge-labels.ts';
import { judgeMounts } from './judge-mounts.ts';
import { judgeNames } from './judge-names.ts';
import { judgePorts } from './judge-ports.ts';
import { judgeService } from './judge-service.ts';
import type { Finding, JudgeContext, Report } from './judge.ts';
import type { ComposeDocument } from './parse.ts';
import { entriesOf, isMap, isOpen, textOf, type ComposeMap } from './values.ts';

export type { Finding, JudgeContext } from './judge.ts';

/** Everything the rules refuse, in the order of the file. */
export const judgeCompose = (document: ComposeDocument, context: JudgeContext): Finding[] =>
  layersOf(document).flatMap((layer) => judgeLayer(layer, context));

/** What one document says and a later one takes back may still be read on the way. */
export const layersOf = (document: ComposeDocument): ComposeDocument[] => document.layers ?? [document];

function judgeLayer({ root, services }: ComposeDocument, context: JudgeContext): Finding[] {
  const findings: Finding[] = [];
  const report: Report = (path, rule, message) => void findings.push({ path, rule, message });
  for (const [name, service] of Object.entries(services)) {
    const path = `services.${name}`;
    judgeService(path, service, context, report);
    judgeMounts(path, service, context, report);
    judgePorts(path, service, context, report);
    judgeNames(path, service, context, report);
  }
  judgeAmounts(services, context, report);
  judgeFiles(root, services, context, report);
  judgeResources(root, context, report);
  judgeLabels(root, services, context, report);
  return findings;
}

/** Throws `compose_policy` with a field for each finding; nothing when there is none. */
export function requireAllowed(findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  const fields = Object.fromEntries(findings.map(({ path, rule, message }) => [path, `${message} (rule: ${rule})`]));
  const paths = Object.keys(fields);
  throw new LongshoreError('compose_policy', { fields, details: `refused: ${paths.join(', ')}` });
}

/** Networks and volumes: whose they are and what drives them. */
function judgeResources(root: ComposeMap, { rules, project, form }: JudgeContext, report: Report): void {
  for (const kind of ['networks', 'volumes', 'configs', 'secrets'] as const) {
    for (const [name, resource] of entriesOf(root[kind])) {
      const path = `${kind}.${name}`;
      const { external, name: alias, driver, driver_opts: options, ipam } = resource;
      if (!rules.foreignResources && external !== undefined && external !== false) {
        report(`${path}.external`, 'foreignResources', 'belongs to another project');
      }
      const isOwnName = isOpen(alias, form) || alias === undefined || textOf(alias).startsWith(`${project}_`);
      if (!rules.foreignResources && !isOwnName) {
        report(`${path}.name`, 'foreignResources', `must begin with "${project}_"`);
      }
      if (rules.drivers) continue;
      const usual = kind === 'networks' ? 'bridge' : 'local';
      if (driver !== undefined && driver !== '' && driver !== usual) {
        report(`${path}.driver`, 'drivers', `only "${usual}" is allowed`);
      }
      if (entriesCount(options) > 0) report(`${path}.driver_opts`, 'drivers', 'driver options are not allowed');
      if (choosesAddresses(ipam)) report(`${path}.ipam`, 'drivers', 'addresses of its own are not allowed');
    }
  }
}

/** A network's range becomes a route of the host: with somebody else's addresses, its traffic to them would end there. */
const choosesAddresses = (ipam: unknown): boolean =>
  isMap(ipam) &&
  Object.entries(ipam).some(([key, value]) => (key === 'driver' ? value !== 'default' : entriesCount(value) > 0));

const entriesCount = (value: unknown): number => (typeof value === 'object' && value ? Object.keys(value).length : 0);
