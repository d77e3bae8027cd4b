// Which variables a compose file leaves to be filled in. Pure.
import { entriesOf, isMap, listOf, textOf, type ComposeMap } from './values.ts';

/** Names; those with a default count as well. */
export const referencesOf = (root: ComposeMap): Set<string> => new Set([...referencesIn(root), ...passedThrough(root)]);

/** `$NAME`, `${NAME`: the opening is enough, so defaults within defaults are found too. `$$` is a plain dollar. */
const REFERENCE = /\$(?:\$|\{([A-Za-z_]\w*)|([A-Za-z_]\w*))/g;

function referencesIn(value: unknown): string[] {
  if (typeof value === 'string') {
    return [...value.matchAll(REFERENCE)].flatMap(([, braced, plain]) => braced ?? plain ?? []);
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(referencesIn) : [];
}

/** `environment: [NAME]`, `environment: {NAME: }`, and configs and secrets that are made `environment: NAME`. */
function passedThrough(root: ComposeMap): string[] {
  const inServices = entriesOf(root['services']).flatMap(([, { environment }]) =>
    isMap(environment)
      ? Object.keys(environment).filter((name) => environment[name] === null)
      : listOf(environment)
          .map(textOf)
          .filter((text) => !text.includes('=')),
  );
  const made = [root['configs'], root['secrets']].flatMap((items) =>
    entriesOf(items).map(([, item]) => textOf(item['environment'])),
  );
  return [...inServices, ...made];
}
