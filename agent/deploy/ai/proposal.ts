// From a proposal to what a deploy takes: a compose text with the Dockerfile in it, and values for its variables. Pure.
// The text is a stranger's until it has been judged: nothing here decides what may run.
import { parseCompose } from '#shared/compose/parse.ts';
import { isMap, type ComposeMap } from '#shared/compose/values.ts';
import { writeYaml } from '#shared/compose/write-yaml.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { AiProposal } from '#shared/protocol/ai-parts.ts';
import type { ShownProposal } from '#shared/protocol/deploy-parts.ts';
import type { Hide } from '../../secrets/hide.ts';
import { isSecretAt } from './hide-secrets.ts';

/**
 * Revisions keep the Dockerfile with the compose text, and a commit's folder stays as Git made it. Fails as parseCompose
 * does.
 */
export function composeOf({ compose, dockerfile }: Pick<AiProposal, 'compose' | 'dockerfile'>): string {
  if (dockerfile === null) return compose;
  const { root, services } = parseCompose(compose);
  const inline = dockerfile.replaceAll('$', '$$$$'); // `$$` is Compose's `$`
  const built = Object.entries(services).map(([name, service]) => [name, withDockerfile(service, inline)]);
  return writeYaml({ ...root, services: Object.fromEntries(built) as ComposeMap });
}

/** A build that names another Dockerfile means one of the repository's own. */
function withDockerfile(service: ComposeMap, inline: string): ComposeMap {
  const { build } = service;
  if (typeof build === 'string') return { ...service, build: { context: build, dockerfile_inline: inline } };
  if (!isMap(build)) return service;
  const { dockerfile = 'Dockerfile', ...rest } = build;
  if (typeof dockerfile !== 'string' || !/^(\.\/)?Dockerfile$/.test(dockerfile)) return service;
  return { ...service, build: { ...rest, dockerfile_inline: inline } };
}

/**
 * What the user has given counts before what was proposed. Fails with `template_variable` naming what only the user can
 * give: secrets are nobody's to make up, and one that a machine proposes would be the same for everybody.
 */
export function variablesOf(
  { variables }: Pick<AiProposal, 'variables'>,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const open = variables.filter(({ name }) => !Object.hasOwn(given, name));
  const missing = open.filter(({ name, value }) => value === null || isSecretAt(name, value));
  if (missing.length > 0) {
    const fields = Object.fromEntries(
      missing.map(({ name, purpose }) => [`variables.${name}`, purpose || 'is needed']),
    );
    throw new LongshoreError('template_variable', {
      message: 'The repository needs values that only you have',
      fields,
    });
  }
  return { ...Object.fromEntries(open.map(({ name, value }) => [name, value ?? ''])), ...given };
}

/**
 * As people may see it: whole, but for values that the host knows as secret. What merely looks like a secret is the AI's
 * own word, and whoever hid it would hide a command in `PASSWORD="$(…)"` from the one who is to approve it.
 */
export function showProposal(
  { variables, ...proposal }: AiProposal,
  given: Readonly<Record<string, string>>,
  hide: Hide,
): ShownProposal {
  return {
    ...proposal,
    compose: hide(proposal.compose),
    dockerfile: proposal.dockerfile === null ? null : hide(proposal.dockerfile),
    reasons: proposal.reasons.map(hide),
    variables: variables.map(({ name, value, purpose }) => {
      const isGiven = Object.hasOwn(given, name);
      return { name, value: isGiven || value === null ? null : hide(value), purpose: hide(purpose), isGiven };
    }),
  };
}
