// `npm run corpus [-- COUNT [SEED]]`: compose files made by chance, 100 unless told otherwise, each run by Compose and by
// Longshore as in test/docker/compose-corpus.test.ts. The seed of a file that differs makes that file again.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { differences, runBoth } from './support/compose-corpus/compare.ts';
import { randomCase } from './support/compose-corpus/grammar.ts';
import { deployParts } from './support/deploy-host.ts';
import { Random } from './support/random.ts';

const WORKERS = 4;

const count = Number(process.argv[2] ?? 100);
const first = Number(process.argv[3] ?? Date.now() % 1_000_000);
const folder = mkdtempSync(join(tmpdir(), 'longshore-corpus-'));
const stopped = new AbortController();
const parts = await deployParts(folder, stopped.signal);
const seeds = Array.from({ length: count }, (_, index) => first + index);
let refused = 0;
let different = 0;

async function work(): Promise<void> {
  for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
    const given = randomCase(new Random(seed), `seed ${seed}`);
    const { theirs, ours } = await runBoth(parts, given);
    if ('refused' in theirs && 'refused' in ours) refused++;
    else if (differences(theirs, ours).length > 0) {
      different++;
      console.log(`seed ${seed}\n${given.text}\n${differences(theirs, ours).join('\n')}\n`);
    }
  }
}

await Promise.all(Array.from({ length: WORKERS }, work));
stopped.abort();
rmSync(folder, { recursive: true, force: true });
console.log(
  `seeds ${first} to ${first + count - 1}: ${count - refused - different} the same, ${refused} refused by both`,
);
console.log(`${different} differ`);
process.exitCode = different ? 1 : 0;
