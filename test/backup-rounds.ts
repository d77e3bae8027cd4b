// SIGKILL at random moments of backups and restores (F46), as many rounds as wanted: `node test/backup-rounds.ts [ROUNDS]`,
// with MB=1024 for a volume of that size, SEED to repeat a run's moments, and WORKER=container for an agent that is not root.
import t from 'tap';
import { killRounds } from './support/backup-rounds.ts';
import { startDeployHost } from './support/deploy-host.ts';
import { requireDocker } from './support/docker.ts';
import { Random } from './support/random.ts';

const COUNT = Number(process.argv[2] ?? 30);
const MEGABYTES = Number(process.env['MB'] ?? 64);
const SEED = Number(process.env['SEED'] ?? Date.now());
const COMPOSE = `
services: {db: {image: "busybox:1", init: true, stop_grace_period: 0s, command: sleep 100000, volumes: ["data:/data"]}}
volumes: {data: {}}
`;

t.setTimeout(3 * 3600_000);
t.test(`F46: ${COUNT} rounds of kills, seed ${SEED}`, async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startDeployHost(t, 'rounds', { compose: COMPOSE });
  t.match(await host.deploy(), { state: 'succeeded' });
  const say = (line: string) => console.error(line);
  const random = new Random(SEED);
  const end = await killRounds(host, {
    worker: process.env['WORKER'] === 'container' ? 'container' : 'agent',
    count: COUNT,
    random: () => random.next(),
    megabytes: MEGABYTES,
    mostKills: 3,
    say,
  });
  t.strictSame(end.faults, []);
  t.ok(end.kills > 0, `${end.kills} kills`);
});
