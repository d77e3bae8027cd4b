// The agent's link as a process of its own, so that a test can put it behind a network of its own. Prints a JSON line
// `{state, connection}` for each change; the line `again` on stdin makes it drop its connection and come back.
//
// usage: node link-process.ts '{"destination":{…},"bootId":"…"}'
import { createInterface } from 'node:readline';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import { newInstanceId } from '#shared/ids.ts';
import { createIdentity } from '#shared/protocol/identity.ts';
import { CLOSE } from '#shared/protocol/limits.ts';
import { systemClock } from '#shared/time.ts';
import type { Destination } from '../../agent/link/connection.ts';
import { startLink } from '../../agent/link/session.ts';
import { hostReport } from './host-report.ts';
import { noHandlers } from './peer-pair.ts';

const { destination, bootId } = JSON.parse(process.argv[2] ?? '') as { destination: Destination; bootId: string };
const scope = new Scope(silentLogger());
const link = startLink(
  {
    destination,
    identity: createIdentity(),
    instanceId: newInstanceId(),
    describe: () => Promise.resolve(hostReport(bootId)),
    handlers: noHandlers(),
    clock: systemClock,
    log: silentLogger(),
    random: Math.random,
  },
  scope,
);
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
link.onUp((_, { hostId }) => say({ state: 'up', hostId }));
link.onDown(({ code, details }) => say({ state: 'down', code, details }));
createInterface(process.stdin).on('line', () => link.current?.destroy(CLOSE.goingAway, 'again'));
