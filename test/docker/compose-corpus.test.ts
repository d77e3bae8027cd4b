// For every compose file of test/fixtures/compose, and for some made by chance: Longshore runs what `docker compose up`
// runs, and refuses what it refuses. `npm run corpus` tries more of the latter.
import { availableParallelism } from 'node:os';
import t from 'tap';
import { runBoth } from '../support/compose-corpus/compare.ts';
import { loadCases } from '../support/compose-corpus/fixture.ts';
import { randomCase } from '../support/compose-corpus/grammar.ts';
import { startDeployParts } from '../support/deploy-host.ts';
import { missingDocker } from '../support/docker.ts';
import { Random } from '../support/random.ts';

const skip = await missingDocker();
/** Each is one compose process at a time; beyond this they wait for Docker. */
const jobs = Math.min(4, availableParallelism());
/** Always the same: a test that fails fails again. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

t.test('Longshore runs what Compose runs, and nothing else', { skip, jobs }, async (t) => {
  const parts = await startDeployParts(t);
  const made = SEEDS.map((seed) => randomCase(new Random(seed), `seed ${seed}`));
  const tests = [...loadCases(), ...made].map((given) => {
    return t.test(`${given.name}: ${given.about}`, { buffered: true }, async (t) => {
      const { theirs, ours } = await runBoth(parts, given);
      if (given.refused === undefined) {
        t.hasOwnProp(theirs, 'runs');
        t.strictSame(ours, theirs);
      } else {
        t.hasOwnProp(theirs, 'refused', 'Compose refuses it');
        t.match(ours, { refused: new RegExp(`^${given.refused}:`) }, 'and so does Longshore');
      }
    });
  });
  await Promise.all(tests);
});
