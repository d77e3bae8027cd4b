// What a service or a set is made from, as a caller may see it.
import type { ServiceSource } from '../../store/records.ts';
import type { Caller } from '../api/caller.ts';
import type { ServiceDetail } from '../api/services.ts';
import { maskCompose } from './compose-secrets.ts';
import { maskChecks } from './health-checks.ts';
import { toShownGit } from '../git/git-redraft.ts';
import { holds } from '../access/permissions.ts';
import { maskVariables } from './secret-values.ts';

/** Secret values are `***` unless the caller holds secrets.read. */
export function showSource(
  { permissions }: Caller,
  source: ServiceSource,
): Pick<ServiceDetail, 'compose' | 'git' | 'variables' | 'healthChecks'> {
  const { compose, git = null, variables, secretNames } = source;
  const isOpen = holds(permissions, 'secrets.read');
  return {
    compose: isOpen ? compose : maskCompose(compose),
    git: git && toShownGit(git),
    healthChecks: isOpen ? (source.healthChecks ?? []) : maskChecks(source),
    variables: isOpen ? variables : maskVariables(variables, secretNames),
  };
}
