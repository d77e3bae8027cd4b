// SIGKILL at every step of a deploy and between them: accepted jobs end exactly once, nothing is left over, nobody else
// notices. One turn of all moments here, 200 rounds a victim by `npm run chaos`.
import t from 'tap';
import { TURN, VICTIMS, clearScene, playRound, setScene } from '../support/chaos.ts';
import { missingDocker } from '../support/docker.ts';

t.jobs = VICTIMS.length;
t.setTimeout(600_000); // so many deploys take two minutes, and on a machine with other work five times that

const TITLES = {
  control: 'F01: a deploy survives kill -9 of the control plane, and the retry of the client finds the same job',
  agent: 'F02: a deploy survives kill -9 of the agent',
  compose: 'F03: a deploy survives kill -9 of its compose child',
};

for (const victim of VICTIMS) {
  t.test(TITLES[victim], { skip: await missingDocker(), buffered: true }, async (t) => {
    const scene = await setScene(victim);
    t.teardown(() => clearScene(scene));
    for (let number = 0; number < TURN; number++) {
      const round = await playRound(scene, number);
      t.same(round.faults, [], `round ${number}, killed ${round.moment}`);
      if (round.faults.length > 0)
        t.comment(scene.stack.agent.output.slice(-4000), scene.stack.control.output.slice(-4000));
    }
  });
}
