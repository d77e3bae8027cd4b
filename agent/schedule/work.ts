// What schedules do that no job does: programs in containers, reports, looking for images, cleaning up. That something
// did not work is an outcome here; only an abort is thrown.
import { toLongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import { hasUpdate } from '#shared/image-updates.ts';
import type { HostFacts } from '#shared/model.ts';
import { decodeExecFrame } from '#shared/protocol/exec-frame.ts';
import type { ExecEnded } from '#shared/protocol/exec-parts.ts';
import type { StreamWriter } from '#shared/protocol/peer-types.ts';
import { OUTPUT_CHARS, type RunTarget, type ScheduleSpec } from '#shared/schedule/schedule.ts';
import type { Execs } from '../exec/execs.ts';
import type { Images } from '../images/images.ts';
import type { Stats } from '../stats/stats.ts';

/** Far more than is kept of it, so that the end of a talkative program is there; the rest is read and dropped. */
const READ_LIMIT_BYTES = 64 * OUTPUT_CHARS;
/** The defaults of `POST /api/hosts/:id/prune`. */
const CLEANUP = { scope: 'unused', olderThanHours: 24, buildCache: false, isDryRun: false } as const;

export interface WorkDeps {
  execs: Pick<Execs, 'stream'>;
  images: Pick<Images, 'checkUpdates' | 'prune'>;
  stats: Pick<Stats, 'host'>;
  collectFacts: () => Promise<HostFacts>;
}

export interface Outcome extends Pick<RunTarget, 'reason' | 'output'> {
  state: 'succeeded' | 'failed' | 'skipped';
}

export const succeeded = (output: string | null): Outcome => ({ state: 'succeeded', reason: null, output });
export const failed = (reason: string, output: string | null = null): Outcome => ({ state: 'failed', reason, output });
export const skipped = (reason: string): Outcome => ({ state: 'skipped', reason, output: null });

/** What `work` says, or why it failed. */
export async function outcomeOf(work: () => Promise<Outcome>, signal: AbortSignal): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    return failed(toLongshoreError(error).message);
  }
}

export async function runProgram(
  { execs }: WorkDeps,
  serviceId: string,
  { command, composeService: service, timeoutS }: NonNullable<ScheduleSpec['exec']>,
  signal: AbortSignal,
): Promise<Outcome> {
  const choice = { serviceId, command, service, container: null, user: null, workingDir: null, env: {} };
  const limits = { timeoutMs: timeoutS * 1000, outputLimitBytes: READ_LIMIT_BYTES };
  const heard = new Heard(signal);
  await execs.stream(
    { ...choice, ...limits, execId: newId('run'), terminal: null, takesInput: false },
    heard,
    () => {},
  );
  signal.throwIfAborted();
  const { text, end } = heard;
  if (end?.exitCode === 0) return succeeded(text);
  if (end?.reason === 'timed_out') return failed(`the program did not end within ${timeoutS} s`, text);
  return failed(`the program ended with exit code ${end?.exitCode ?? 'unknown'}`, text);
}

/** The end of a stream that stays on this host. */
class Heard implements StreamWriter {
  readonly signal: AbortSignal;
  readonly #chunks: Buffer[] = [];
  #end: ExecEnded | undefined;

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  async write(frame: Uint8Array): Promise<void> {
    const news = decodeExecFrame(frame);
    if (news.kind === 'output')
      this.#chunks.push(Buffer.from(news.bytes)); // the frame's memory may be used again
    else if (news.kind === 'ended') this.#end = news;
  }

  get end(): ExecEnded | undefined {
    return this.#end;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

export async function cleanUp({ images }: WorkDeps): Promise<Outcome> {
  const { images: gone, imageBytes } = await images.prune(CLEANUP);
  return succeeded(`${gone.length} images removed, ${imageBytes} bytes freed`);
}

const HOUR_MS = 3600_000;

/** What the host has, what of it is free, and what was used in the hour before this one and since. */
export async function report({ collectFacts, stats }: WorkDeps, now: number): Promise<Outcome> {
  const { cpus, memoryBytes, memoryFreeBytes, diskBytes, diskFreeBytes } = await collectFacts();
  const { points } = await stats.host({ since: now - HOUR_MS, until: now, stepMs: HOUR_MS });
  return succeeded(JSON.stringify({ cpus, memoryBytes, memoryFreeBytes, diskBytes, diskFreeBytes, hours: points }));
}

/** Null: newer images are there, and a redeploy takes them. */
export async function reasonNotToUpdate(
  { images }: WorkDeps,
  serviceId: string,
  signal: AbortSignal,
): Promise<Outcome | null> {
  const { images: checks } = await images.checkUpdates(serviceId, signal);
  const isThere = hasUpdate(checks);
  if (isThere) return null;
  if (isThere === false) return skipped('its images are the newest');
  const unknown = checks.find(({ state }) => state === 'unknown');
  return failed(unknown?.reason ?? 'nothing is known of its images');
}
