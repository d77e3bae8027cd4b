// Whether a proposal may leave the control plane. It counts as a stranger's file: the rules for tenants hold, whoever the
// service belongs to. The host judges again, by its own policy and with what Compose makes of the file.
import { parseCompose } from '#shared/compose/parse.ts';
import { judgeCompose, requireAllowed } from '#shared/compose/policy.ts';
import { DEFAULT_POLICY } from '#shared/compose/rules.ts';
import { isMap, listOf, textOf, type ComposeMap } from '#shared/compose/values.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { AiProposal } from '#shared/protocol/ai-parts.ts';

/** The folder is on a host; the judge of a written file only needs some absolute path. */
const ANY_DIR = '/service';
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface ProposalContext {
  /** The service's name. */
  project: string;
  reservedPorts: readonly number[];
}

/** Throws `compose_invalid`, `yaml_resource_limit`, `compose_policy`, or `ai_failed` for what makes no sense. */
export function checkProposal(proposal: AiProposal, { project, reservedPorts }: ProposalContext): void {
  const document = parseCompose(proposal.compose);
  const rules = DEFAULT_POLICY.tenant;
  requireAllowed(judgeCompose(document, { rules, form: 'written', project, projectDir: ANY_DIR, reservedPorts }));
  const services = Object.values(document.services);
  const problem = problemOf(proposal, services);
  if (problem !== undefined) throw new LongshoreError('ai_failed', { details: `Its proposal ${problem}` });
}

function problemOf(
  { dockerfile, variables, port, healthPath }: AiProposal,
  services: readonly ComposeMap[],
): string | undefined {
  if (dockerfile !== null && !services.some(({ build }) => build !== undefined))
    return 'has a Dockerfile that no service is built by';
  if (dockerfile !== null && !beginsWithFrom(dockerfile)) return 'has a Dockerfile that does not begin with FROM';
  const odd = variables.find(({ name }) => !VARIABLE.test(name));
  if (odd) return `has a variable "${odd.name}", which is no name`;
  if (port !== null && !services.some((service) => opensPort(service, port)))
    return `says that port ${port} answers, but no service has it among its ports`;
  return healthPath !== null && !healthPath.startsWith('/')
    ? 'has a health path that does not begin with /'
    : undefined;
}

/** Comments, parser directives and `ARG` may come before it. */
function beginsWithFrom(dockerfile: string): boolean {
  const first = dockerfile.split('\n').find((line) => !/^\s*(#|ARG\s|$)/i.test(line));
  return first !== undefined && /^\s*FROM\s/i.test(first);
}

/** In `ports` or `expose`, as far as the text tells: a range or a variable may hold any port. */
function opensPort({ ports, expose }: ComposeMap, port: number): boolean {
  const targets = [...listOf(ports), ...listOf(expose)].map((entry) =>
    isMap(entry)
      ? textOf(entry['target'])
      : textOf(entry)
          .replace(/\/\w+$/, '')
          .replace(/^.*:/, ''),
  );
  return targets.some((target) => (/^\d+$/.test(target) ? Number(target) === port : /[$-]/.test(target)));
}
