// Takes secrets out of a compose file's environments: each becomes a variable that Compose fills in again. Pure. Which
// values are secret is a matter of names and forms, as everywhere (shared/secret-names.ts).
import { isMap, unescaped, type ComposeMap } from '#shared/compose/values.ts';
import { looksSecret } from '#shared/secret-names.ts';

type Services = Record<string, ComposeMap>;

/** A value as it has to stand in a file so that Compose reads it as it is. */
export function escaped<T>(value: T): T {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$') as T;
  if (Array.isArray(value)) return value.map(escaped) as T;
  return isMap(value) ? (Object.fromEntries(Object.entries(value).map(([k, v]) => [k, escaped(v)])) as T) : value;
}

/** `services` hold values as they stand in a file, with nothing left to fill in. */
export function hideSecrets(services: Services): { services: Services; variables: Record<string, string> } {
  const variables: Record<string, string> = {};
  const entries = Object.entries(services).map(([name, service]): [string, ComposeMap] => {
    const { environment } = service;
    return [name, isMap(environment) ? { ...service, environment: hideIn(name, environment, variables) } : service];
  });
  return { services: Object.fromEntries(entries), variables };
}

function hideIn(service: string, environment: ComposeMap, variables: Record<string, string>): ComposeMap {
  const entries = Object.entries(environment).map(([name, value]): [string, unknown] => {
    if (typeof value !== 'string' || value === '' || !looksSecret(name, unescaped(value))) return [name, value];
    const variable = nameFor(service, name, unescaped(value), variables);
    variables[variable] = unescaped(value);
    return [name, `\${${variable}}`];
  });
  return Object.fromEntries(entries);
}

/** These steer Compose itself and cannot be variables of a service. */
const STEERING = /^(COMPOSE|DOCKER|BUILDKIT|BUILDX)_/;

/** Its own name, with its service before it where another value has that already. */
function nameFor(service: string, name: string, value: string, taken: Readonly<Record<string, string>>): string {
  const isFree = (variable: string) => !STEERING.test(variable) && (taken[variable] ?? value) === value;
  let variable = toVariable(name);
  while (!isFree(variable)) variable = `OF_${toVariable(service).toUpperCase()}_${variable}`;
  return variable;
}

const toVariable = (name: string): string => name.replace(/\W/g, '_').replace(/^(?=\d)/, '_');
