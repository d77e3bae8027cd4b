// `longshore hosts join`: prints the line that makes a machine a host and, if asked, waits until it is one.
import type { Argv } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import { sleep } from '#shared/time.ts';
import { apiCommand, type Session } from './command.ts';
import { parseDuration, parseSeconds } from './duration.ts';
import { ApiError } from './failures.ts';
import type { JoinTokenState, MadeJoinToken } from './host-join-types.ts';
import { diagnose, warningsOf } from './join-diagnosis.ts';
import { parsePairs } from './pairs.ts';

/** Where the line is for: the field of the API that has it. */
const LINES = { terminal: 'command', 'cloud-init': 'cloud_init', ansible: 'ansible' } as const;
const DEFAULT_WAIT = '10m';
const ASK_EVERY_MS = 2000;

export const joinOptions = (yargs: Argv) =>
  apiCommand(yargs)
    .option('for', {
      choices: Object.keys(LINES) as (keyof typeof LINES)[],
      default: 'terminal' as const,
      describe: 'What runs it: a person, new machines, or a play',
    })
    .option('label', { type: 'string', array: true, nargs: 1, default: [], describe: 'Label of the host, K=V' })
    .option('uses', { type: 'number', requiresArg: true, describe: 'How many machines may use it (1)' })
    .option('expires', { type: 'string', requiresArg: true, describe: 'How long it is good for, at most 24h (1h)' })
    .option('address-range', { type: 'string', requiresArg: true, describe: 'Addresses it may be used from, as CIDR' })
    .option('wait', {
      type: 'string',
      describe: `Wait until as many hosts are connected, at most so long (${DEFAULT_WAIT})`,
    });

interface JoinArgs {
  for: keyof typeof LINES;
  label: string[];
  uses?: number | undefined;
  expires?: string | undefined;
  addressRange?: string | undefined;
  /** Empty without a value. */
  wait?: string | undefined;
}

export async function join(session: Session, args: JoinArgs): Promise<void> {
  const { client, output } = session;
  const waitMs = args.wait === undefined ? undefined : parseDuration(args.wait || DEFAULT_WAIT, '--wait');
  const { body: made } = await client.send<MadeJoinToken>('POST', '/api/hosts/join-tokens', { body: toBody(args) });
  if (output.isJson) output.json(made);
  else {
    for (const warning of warningsOf(made)) output.note(warning);
    output.note(`Good until ${made.expires_at}:`);
    output.line(made[LINES[args.for]].trimEnd());
  }
  if (waitMs !== undefined) await untilConnected(session, made, waitMs);
}

const toBody = ({ label, uses, expires, addressRange }: JoinArgs) => ({
  ...(label.length > 0 && { labels: parsePairs(label, '--label') }),
  ...(uses !== undefined && { uses }),
  ...(expires !== undefined && { expires_in_s: parseSeconds(expires, '--expires') }),
  ...(addressRange !== undefined && { address_range: addressRange }),
});

/** Throws `timed_out` with what seems to be in the way. */
async function untilConnected({ client, output, world }: Session, made: MadeJoinToken, waitMs: number): Promise<void> {
  const endsAt = world.clock.elapsed() + waitMs;
  const told = new Set<string>();
  const tell = (text: string) => {
    if (!told.has(text)) output.note(text);
    told.add(text);
  };
  for (;;) {
    const token = await findToken(client, made.id);
    const connected = token?.hosts.filter(({ status }) => status === 'connected') ?? [];
    for (const { name, id } of connected) tell(`${name} is connected (${id})`);
    if (token && connected.length >= token.max_uses) return;
    if (token?.refusal) tell(`A machine at ${token.refusal.address} was refused: ${token.refusal.reason}`);
    if (world.clock.elapsed() >= endsAt) throw notConnected(made, token, waitMs);
    await sleep(world.clock, ASK_EVERY_MS, client.signal);
  }
}

/** Undefined while the control plane is away: it may be restarting. */
async function findToken(client: Session['client'], id: string): Promise<JoinTokenState | undefined> {
  return await client.get<JoinTokenState>(`/api/hosts/join-tokens/${id}`).catch((error: unknown) => {
    if (error instanceof ApiError && error.isUnreachable) return undefined;
    throw error;
  });
}

function notConnected(made: MadeJoinToken, token: JoinTokenState | undefined, waitMs: number): LongshoreError {
  const message = `Not connected after ${Math.round(waitMs / 1000)} s`;
  const causes = token ? diagnose(made, token) : ['The control plane itself does not answer'];
  return new LongshoreError('timed_out', { message, details: causes.join('\n') });
}
