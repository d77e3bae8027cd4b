// The dialects' mappings, as pairs of what goes in and what comes out: one loop for all. A file of
// test/fixtures/dialects/<dialect>/ holds pairs for functions that control/dialects/<dialect>/mapping.ts exports.
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { LongshoreError, type ErrorCode, type ErrorInit } from '#shared/errors.ts';

interface Pair {
  /** What it shows; reads as a promise. */
  name: string;
  /** The mapping's function. */
  maps: string;
  /** Its arguments; an object `{ "error": "host_offline", … }` stands for that error. */
  given: unknown[];
  gives?: unknown;
  /** Instead of `gives`: the error it throws. */
  throws?: ErrorInit & { code: ErrorCode };
}

type Mapping = Record<string, (...given: unknown[]) => unknown>;

const FIXTURES = fileURLToPath(new URL('../fixtures/dialects', import.meta.url));

for (const file of globSync('*/*.json', { cwd: FIXTURES }).toSorted()) {
  const dialect = dirname(file);
  const pairs = JSON.parse(readFileSync(`${FIXTURES}/${file}`, 'utf8')) as Pair[];
  t.test(`${dialect}, ${basename(file, '.json')}`, async (t) => {
    const mapping = (await import(`../../control/dialects/${dialect}/mapping.ts`)) as Mapping;
    for (const { name, maps, given, gives, throws } of pairs) {
      t.type(mapping[maps], 'function', maps);
      const run = () => mapping[maps]?.(...given.map(revive));
      if (throws) t.throws(run, throws, name);
      else t.strictSame(throughJson(run()), gives, name);
    }
  });
}

function revive(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || !('error' in given)) return given;
  const { error, ...init } = given as { error: ErrorCode } & ErrorInit;
  return new LongshoreError(error, init);
}

/** As a client reads it. */
const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));
