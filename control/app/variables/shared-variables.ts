// Which shared variables a service takes, and what they fill. Pure.
//
//   ${NAME} in the compose text       Compose fills it, once the variable is beside the service's own
//   ${NAME} in a variable's value     filled here: Compose takes values as they are
//
// A variable of the service itself always goes first, and what is not referred to stays at home. A repository's text is
// on the host alone, so all is offered to it; but to the text of a stranger (an AI deploy) nothing.
import { parseCompose } from '#shared/compose/parse.ts';
import { referencesOf } from '#shared/compose/references.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { VariableRecord } from '../../store/customer-records.ts';
import type { ServiceRecord, ServiceSource } from '../../store/records.ts';

type Shared = Pick<VariableRecord, 'id' | 'name' | 'value' | 'isSecret'>;

export interface Filled {
  variables: Record<string, string>;
  secretNames: string[];
  /** Values of the shared secrets that are in it, whatever they are a part of. */
  secrets: string[];
  /** Ids of the shared variables that are in it. */
  taken: string[];
  /** Names of those that are there only because the text of a repository may refer to them. */
  offeredNames: string[];
}

type Filling = Pick<ServiceSource, 'compose' | 'variables' | 'secretNames'> & Pick<ServiceRecord, 'method'>;

export function fillShared({ compose, variables, secretNames, method }: Filling, scope: readonly Shared[]): Filled {
  const open = scope.filter(({ name }) => !Object.hasOwn(variables, name));
  if (open.length === 0) return { variables, secretNames, secrets: [], taken: [], offeredNames: [] };
  const wanted = method === 'ai' ? new Set<string>() : namesIn(compose);
  const inText = open.filter(({ name }) => wanted?.has(name) ?? true);
  const byName = new Map(open.map((shared) => [shared.name, shared]));
  const filled = Object.entries(variables).map(([name, value]) => fillValue(name, value, byName));
  const taken = [...new Set([...inText, ...filled.flatMap(({ used }) => used)])];
  const secret = filled.filter(({ used }) => used.some(({ isSecret }) => isSecret)).map(({ name }) => name);
  return {
    variables: Object.fromEntries([...filled, ...inText].map(({ name, value }) => [name, value])),
    secretNames: [...new Set([...secretNames, ...secret, ...inText.filter((it) => it.isSecret).map((it) => it.name)])],
    secrets: taken.filter(({ isSecret }) => isSecret).map(({ value }) => value),
    taken: taken.map(({ id }) => id),
    offeredNames: wanted ? [] : inText.map(({ name }) => name),
  };
}

const BRACED = /\$\{([A-Za-z_]\w*)\}/g;

function fillValue(name: string, value: string, shared: ReadonlyMap<string, Shared>) {
  const used: Shared[] = [];
  const filled = value.replaceAll(BRACED, (reference, wanted: string) => {
    const found = shared.get(wanted);
    if (found) used.push(found);
    return found?.value ?? reference;
  });
  return { name, value: filled, used };
}

/** Names that the text leaves to variables; undefined when only the host can tell: the text of a repository. */
function namesIn(compose: string): Set<string> | undefined {
  if (compose === '') return undefined;
  try {
    return referencesOf(parseCompose(compose).root);
  } catch (error) {
    if (error instanceof LongshoreError) return new Set(); // the host refuses it, and says why
    throw error;
  }
}
