// F46 with few rounds and a small volume; `node test/backup-rounds.ts` plays more of them.
import t from 'tap';
import { killRounds } from '../support/backup-rounds.ts';
import { startDeployHost } from '../support/deploy-host.ts';
import { requireDocker } from '../support/docker.ts';
import { Random } from '../support/random.ts';

const ROUNDS = 5;
const COMPOSE = `
services: {db: {image: "busybox:1", init: true, stop_grace_period: 0s, command: sleep 1000, volumes: ["data:/data"]}}
volumes: {data: {}}
`;

t.test('F46: killed backups and restores leave whole backups, and whole volumes in place', async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startDeployHost(t, 'rounds', { compose: COMPOSE });
  t.match(await host.deploy(), { state: 'succeeded' });
  const seed = Date.now();
  const random = new Random(seed);
  const say = (line: string) => t.comment(line);
  const end = await killRounds(host, { count: ROUNDS, random: () => random.next(), megabytes: 8, mostKills: 1, say });
  t.strictSame(end.faults, [], `seed ${seed}`);
});
