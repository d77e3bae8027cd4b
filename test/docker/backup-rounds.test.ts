// F46 with few rounds and a small volume; `node test/backup-rounds.ts` plays more of them.
import t from 'tap';
import { killRounds } from '../support/backup-rounds.ts';
import { startDeployHost } from '../support/deploy-host.ts';
import { requireDocker } from '../support/docker.ts';
import { Random } from '../support/random.ts';
import { WORKERS, type Worker } from '../support/volume-folders.ts';

const ROUNDS: Record<Worker, number> = { agent: 3, container: 2 };
const COMPOSE = `
services: {db: {image: "busybox:1", init: true, stop_grace_period: 0s, command: sleep 1000, volumes: ["data:/data"]}}
volumes: {data: {}}
`;

for (const worker of WORKERS) {
  t.test(`F46: killed backups and restores leave whole backups, and whole volumes in place (${worker})`, async (t) => {
    if (!(await requireDocker(t))) return;
    const host = await startDeployHost(t, 'rounds', { compose: COMPOSE });
    t.match(await host.deploy(), { state: 'succeeded' });
    const seed = Date.now();
    const random = new Random(seed);
    const say = (line: string) => t.comment(line);
    const moments = { random: () => random.next(), mostKills: 1 };
    const end = await killRounds(host, { worker, count: ROUNDS[worker], ...moments, megabytes: 8, say });
    t.strictSame(end.faults, [], `seed ${seed}`);
  });
}
