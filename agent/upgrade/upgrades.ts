// The agent's half of an upgrade: downloads the release that control orders, checks it, and asks root to put it in place.
// The order is repeated until it is over, which is also how its progress is asked for; so nothing is remembered here but
// the download under way, and an agent that dies begins that again.
import { mkdir, readFile, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LongshoreError, toLongshoreError, type ErrorCode } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { UpgradeOrder, UpgradeProgress } from '#shared/protocol/upgrade-parts.ts';
import { FORMATS, RELEASE_FILES, tarballName, type Architecture } from '#shared/release/manifest.ts';
import { parseSums, verifySums } from '#shared/release/sums.ts';
import { compareVersions } from '#shared/release/version.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { Way } from '../link/transport.ts';
import { fetchBytes, fetchTo, type FetchDeps } from './fetch-file.ts';
import { readRootWord } from './place.ts';

export interface UpgradeDeps {
  /** Null: this agent was not installed by install.sh. */
  installDir: string | null;
  dataDir: string;
  /** PEM. */
  releaseKey: string;
  way: Way;
  agentVersion: string;
  arch: string;
  /** Runs a task that ends with the agent. */
  run: (name: string, task: (signal: AbortSignal) => Promise<void>) => void;
  clock: Clock;
  log: Logger;
  archiveLimitBytes?: number;
}

interface Attempt {
  id: string;
  progress: UpgradeProgress;
  abort: AbortController;
}

const MAX_TEXT_BYTES = 64 * 1024;
/** Root takes no larger one (systemd/upgrade-release.mts). */
const MAX_ARCHIVE_BYTES = 512 * 1024 * 1024;
/** A restart of control is over by then. */
const MAX_TRIES = 6;
const RETRY_MS = 5_000;
/** Root answers within seconds what it has seen: a power cut, or another upgrade, and it has not. */
const REMIND_MS = 30_000;
/** Another try would meet the same. */
const FINAL: readonly ErrorCode[] = [
  'release_invalid',
  'release_missing',
  'payload_too_large',
  'host_disk_full',
  'stale',
];
/** Left to the agent's journal on the same disk. */
const SPARE_BYTES = 64 * 1024 * 1024;

export class Upgrades {
  readonly #deps: UpgradeDeps;
  readonly #spool: string;
  #attempt: Attempt | undefined;
  /** When root was last asked by this agent. */
  #askedAt = 0;

  constructor(deps: UpgradeDeps) {
    this.#deps = deps;
    this.#spool = join(deps.dataDir, 'upgrade');
  }

  /** Begins it, unless it was begun before. Throws `not_supported` where root's half is missing. */
  async answer(order: UpgradeOrder): Promise<UpgradeProgress> {
    const { installDir } = this.#deps;
    if (installDir === null) throw new LongshoreError('not_supported');
    const said = await readRootWord(installDir, order.id);
    if (said) return said;
    const request = await this.#readRequest();
    if (request.startsWith(`${order.id} `)) return this.#remind(request);
    if (this.#attempt?.id === order.id) return this.#attempt.progress;
    return this.#begin(order);
  }

  async #remind(request: string): Promise<UpgradeProgress> {
    if (this.#deps.clock.now() - this.#askedAt >= REMIND_MS) await this.#request(request);
    return { phase: 'handed_over', percent: null, reason: null };
  }

  #begin(order: UpgradeOrder): UpgradeProgress {
    this.#attempt?.abort.abort(new LongshoreError('superseded'));
    const progress: UpgradeProgress = { phase: 'downloading', percent: 0, reason: null };
    const attempt = { id: order.id, progress, abort: new AbortController() };
    this.#attempt = attempt;
    this.#deps.run('upgrade', (signal) => this.#work(order, attempt, AbortSignal.any([signal, attempt.abort.signal])));
    return progress;
  }

  async #work(order: UpgradeOrder, attempt: Attempt, signal: AbortSignal): Promise<void> {
    const { log } = this.#deps;
    try {
      const file = await this.#downloadInTheEnd(order, attempt, signal);
      await this.#request(`${order.id} ${file}${order.allowsDowngrade ? ' downgrade' : ''}\n`);
      attempt.progress = { phase: 'handed_over', percent: null, reason: null };
      log.info({ version: order.version }, 'handed a release over to be put in place');
    } catch (cause) {
      const { code, message, details } = toLongshoreError(cause);
      const said = details === undefined ? message : `${message}: ${details}`;
      const reason = code === 'internal' && cause instanceof Error ? cause.message : said;
      attempt.progress = { phase: 'failed', percent: null, reason };
      if (this.#attempt === attempt) await this.#clear().catch(() => {}); // half a release: the disk may be full of it
      if (!signal.aborted) log.warn({ err: cause, version: order.version }, 'could not download a release');
    }
  }

  /** Control may be starting anew just now, and lines break: that is no fault of the release. */
  async #downloadInTheEnd(order: UpgradeOrder, attempt: Attempt, signal: AbortSignal): Promise<string> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#download(order, attempt, signal);
      } catch (error) {
        if (FINAL.includes(toLongshoreError(error).code) || tries === MAX_TRIES || signal.aborted) throw error;
      }
      await sleep(this.#deps.clock, RETRY_MS, signal);
    }
  }

  /** Returns the name of the archive, which lies in the spool by then. */
  async #download({ version, allowsDowngrade }: UpgradeOrder, attempt: Attempt, signal: AbortSignal): Promise<string> {
    const { way, clock, releaseKey, agentVersion } = this.#deps;
    if (compareVersions(version, agentVersion) < 0 && !allowsDowngrade) {
      throw new LongshoreError('stale', { message: `${agentVersion} runs here, which is newer than ${version}` });
    }
    await this.#clear();
    const deps = { way, clock, signal };
    const sums = await fetchBytes(deps, RELEASE_FILES.sums, MAX_TEXT_BYTES);
    const signature = await fetchBytes(deps, RELEASE_FILES.signature, MAX_TEXT_BYTES);
    verifySums(sums, signature, await this.#readKey(releaseKey));
    const [name, sum] = this.#choose(parseSums(sums.toString()), version);
    if ((await this.#fetch(deps, name, attempt)) !== sum) {
      throw new LongshoreError('release_invalid', { details: `The sum of "${name}" is wrong` });
    }
    await writeFile(join(this.#spool, RELEASE_FILES.sums), sums);
    await writeFile(join(this.#spool, RELEASE_FILES.signature), signature);
    return name;
  }

  #readKey(path: string): Promise<Buffer> {
    return readFile(path).catch((cause: unknown) => {
      throw new LongshoreError('release_invalid', { details: `This host has no release key at "${path}"`, cause });
    });
  }

  /** Gzip first: every tar can unpack it by itself. */
  #choose(sums: Map<string, string>, version: string): [name: string, sum: string] {
    const { arch } = this.#deps;
    for (const format of FORMATS) {
      const name = tarballName(version, arch as Architecture, format);
      const sum = sums.get(name);
      if (sum !== undefined) return [name, sum];
    }
    throw new LongshoreError('release_missing', { message: `The control plane has no ${version} for ${arch}` });
  }

  async #fetch(deps: FetchDeps, name: string, attempt: Attempt): Promise<string> {
    let [length, bytes] = [0, 0];
    return await fetchTo(deps, name, join(this.#spool, name), {
      limitBytes: this.#deps.archiveLimitBytes ?? MAX_ARCHIVE_BYTES,
      onLength: async (promised) => {
        length = promised;
        await this.#requireSpace(promised);
      },
      onBytes: (more) => {
        bytes += more;
        const percent = length > 0 ? Math.min(100, Math.floor((bytes / length) * 100)) : 0;
        attempt.progress = { phase: 'downloading', percent, reason: null };
      },
    });
  }

  async #requireSpace(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#spool);
    if (bavail * bsize >= bytes + SPARE_BYTES) return;
    throw new LongshoreError('host_disk_full', { details: `The release needs ${Math.ceil(bytes / 1e6)} MB` });
  }

  /** Empty: there is none. */
  #readRequest(): Promise<string> {
    return readFile(join(this.#spool, 'request'), 'utf8').catch(() => '');
  }

  /** Whole or not at all: root looks as soon as it is there. */
  async #request(text: string): Promise<void> {
    const path = join(this.#spool, 'request');
    this.#askedAt = this.#deps.clock.now();
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  }

  /** What an earlier one left, but its request: that it goes would wake root. */
  async #clear(): Promise<void> {
    await mkdir(this.#spool, { recursive: true, mode: 0o700 });
    const names = await readdir(this.#spool);
    await Promise.all(names.filter((name) => name !== 'request').map((name) => rm(join(this.#spool, name))));
  }
}
