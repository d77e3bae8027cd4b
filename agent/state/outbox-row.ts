// What the outbox needs to know of a row, without a database.
import type { AgentEventBody } from '#shared/protocol/schema.ts';

export interface Row {
  seq: number;
  first: number;
  kind: string;
  state_key: string | null;
  body: string;
  bytes: number;
  at: number;
}

/** What becomes a gap. */
export type Dropped = Pick<Row, 'seq' | 'first' | 'kind'>;

/** A range of numbers that becomes one gap. */
export interface GapRun {
  from: number;
  to: number;
  counts: Record<string, number>;
}

/** SQLite's own cost of a row and its index entries, roughly: many tiny rows fill a disk as well. */
const ROW_OVERHEAD_BYTES = 64;

export const bytesOf = (body: string): number => Buffer.byteLength(body) + ROW_OVERHEAD_BYTES;

/** What of an event only the latest counts; null when each one counts. */
export function stateKeyOf(event: AgentEventBody): string | null {
  if (event.kind === 'service.report') return `service.report ${event.report.serviceId}`;
  if (event.kind === 'service.updates') return `service.updates ${event.updates.serviceId}`;
  if (event.kind === 'schedule.run') return `schedule.run ${event.run.id}`;
  return event.kind === 'host.facts' || event.kind === 'edge.status' ? event.kind : null;
}

/** In the column `kind`, so that no run is looked at twice. */
export const THINNED = 'schedule.run thinned';

/** What stands for the output of a run that had to make room. */
const NO_ROOM_FOR_OUTPUT = '(not kept: the host had no room while the control plane was away)';

/** A run's record without what its programs said. */
export function withoutOutput(body: string): string {
  const event = JSON.parse(body) as Extract<AgentEventBody, { kind: 'schedule.run' }>;
  const targets = event.run.targets.map((target) => {
    return target.output === null ? target : { ...target, output: NO_ROOM_FOR_OUTPUT };
  });
  return JSON.stringify({ ...event, run: { ...event.run, targets } } satisfies AgentEventBody);
}

/** The counts of a new gap together with those of the gaps it swallows. */
export function countsOf(
  counts: Record<string, number>,
  rows: { kind: string; body: string }[],
): Record<string, number> {
  const sum = { ...counts };
  for (const { kind, body } of rows) {
    if (kind !== 'gap') continue;
    for (const [name, count] of Object.entries(JSON.parse(body) as Record<string, number>)) {
      sum[name] = (sum[name] ?? 0) + count;
    }
  }
  return sum;
}

/** Neighbouring rows as runs, in order, counted by kind. */
export function runsOf(rows: readonly Dropped[]): GapRun[] {
  const runs: GapRun[] = [];
  for (const { seq, first, kind: kept } of rows.toSorted((a, b) => a.seq - b.seq)) {
    const kind = kept === THINNED ? 'schedule.run' : kept;
    const run = runs.at(-1);
    if (run?.to === first - 1) {
      run.to = seq;
      run.counts[kind] = (run.counts[kind] ?? 0) + 1;
    } else runs.push({ from: first, to: seq, counts: { [kind]: 1 } });
  }
  return runs;
}
