// For every compose file of test/fixtures/compose: Longshore runs what `docker compose up` runs, and refuses what it
// refuses.
import { availableParallelism } from 'node:os';
import t from 'tap';
import { loadCases } from '../support/compose-corpus/fixture.ts';
import { byCompose, byLongshore } from '../support/compose-corpus/sides.ts';
import { DeployHost, specFor, startDeployParts } from '../support/deploy-host.ts';
import { missingDocker, uniqueName } from '../support/docker.ts';

const skip = await missingDocker();
/** Each is one compose process at a time; beyond this they wait for Docker. */
const jobs = Math.min(4, availableParallelism());

t.test('Longshore runs what Compose runs, and nothing else', { skip, jobs }, async (t) => {
  const parts = await startDeployParts(t);
  const tests = loadCases().map((given) => {
    return t.test(`${given.name}: ${given.about}`, { buffered: true }, async (t) => {
      const host = new DeployHost(parts, specFor(uniqueName('corpus')));
      const theirs = await byCompose(host, given);
      const ours = await byLongshore(host, given);
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
