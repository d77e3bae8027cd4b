// What root believes of an upgrade: reads what the agent wrote, checks it against the release key, and unpacks the release
// where the agent cannot touch it. Like upgrade.mts, which calls it, it imports nothing of Longshore's.
import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, verify } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';

export interface ReleasePlaces {
  /** Holds `releases/`, the link `current`, and what upgrade.mts writes down. Root's alone. */
  install: string;
  /** The agent's: what it downloaded, and its request. */
  spool: string;
  /** Public key of releases, PEM. */
  releaseKey: string;
}

export interface Request {
  id: string;
  file: string;
  version: string;
  arch: string;
  isDowngradeWanted: boolean;
}

class Refusal extends Error {}

const REQUEST =
  /^(upg_[0-9a-z]{6,40}) (longshore-(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)-linux-(x64|arm64)\.tar\.(?:gz|xz))( downgrade)?\n?$/;
const MAX_TEXT_BYTES = 64 * 1024;
const MAX_ARCHIVE_BYTES = 512 * 1024 * 1024;
/** Of the archive: its copy, and what comes out of it. */
const SPACE_FACTOR = 4;
const SPARE_BYTES = 64 * 1024 * 1024;

// ── what the agent says ──────────────────────────────────────────────────────────────────────────────────────────────

export function readRequest({ spool }: ReleasePlaces): Request | undefined {
  const [, id, file, version, arch, downgrade] = REQUEST.exec(readText(join(spool, 'request')) ?? '') ?? [];
  if (!id || !file || !version || !arch) return undefined;
  return { id, file, version, arch, isDowngradeWanted: downgrade !== undefined };
}

export function requireWanted(
  { version, arch, isDowngradeWanted }: Request,
  from: string,
  machine: { arch: string },
): void {
  if (arch !== machine.arch) throw new Refusal(`It is built for ${arch}, this host is ${machine.arch}`);
  if (compareVersions(version, from) < 0 && !isDowngradeWanted) throw new Refusal(`${from} runs here, which is newer`);
}

/** A file of the agent's: never through a link, never one that is no file. */
function openForeign(path: string, limitBytes: number): number {
  try {
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    const stat = fs.fstatSync(fd);
    if (stat.isFile() && stat.size <= limitBytes) return fd;
    fs.closeSync(fd);
  } catch {} // not there, or a link
  throw new Refusal(`"${path}" is no file, or too large`);
}

/** In one read: a file that grows meanwhile would have no end. */
function readForeign(path: string): Buffer {
  const fd = openForeign(path, MAX_TEXT_BYTES);
  try {
    const buffer = Buffer.alloc(MAX_TEXT_BYTES);
    return buffer.subarray(0, fs.readSync(fd, buffer));
  } finally {
    fs.closeSync(fd);
  }
}

/** Undefined: nothing that could be read. */
export function readText(path: string): string | undefined {
  try {
    return readForeign(path).toString('utf8');
  } catch {
    return undefined;
  }
}

// ── the release ──────────────────────────────────────────────────────────────────────────────────────────────────────

export function unpack({ install, spool, releaseKey }: ReleasePlaces, { file, version }: Request): void {
  const sum = findSum({ spool, releaseKey }, file);
  const incoming = join(install, 'incoming');
  fs.rmSync(incoming, { recursive: true, force: true });
  fs.mkdirSync(join(incoming, 'release'), { recursive: true, mode: 0o700 });
  try {
    const archive = join(incoming, file);
    if (copyForeign(join(spool, file), archive, install) !== sum) throw new Refusal(`The sum of "${file}" is wrong`);
    untar(archive, join(incoming, 'release'));
    fs.chmodSync(join(incoming, 'release'), 0o755);
    requireStart(join(incoming, 'release'));
    syncTree(join(incoming, 'release'));
    fs.rmSync(join(install, 'releases', version), { recursive: true, force: true });
    fs.renameSync(join(incoming, 'release'), join(install, 'releases', version));
  } finally {
    fs.rmSync(incoming, { recursive: true, force: true });
  }
}

/** Of the file in the list that the release key has signed. The name binds version and architecture to the sum. */
function findSum({ spool, releaseKey }: Pick<ReleasePlaces, 'spool' | 'releaseKey'>, file: string): string {
  const sums = readText(join(spool, 'SHA256SUMS'));
  const signature = sums === undefined ? undefined : readForeign(join(spool, 'SHA256SUMS.sig'));
  if (sums === undefined || signature === undefined) throw new Refusal('SHA256SUMS is missing');
  const key = createPublicKey(fs.readFileSync(releaseKey));
  if (!verify(null, Buffer.from(sums), key, signature)) throw new Refusal('The signature of the release is wrong');
  const line = sums.split('\n').find((one) => one.slice(64) === `  ${file}`);
  if (!line) throw new Refusal(`"${file}" is not in SHA256SUMS`);
  return line.slice(0, 64);
}

/** Returns the sum of what was copied: the agent cannot change it any more. What is added to it meanwhile stays out. */
function copyForeign(from: string, to: string, install: string): string {
  const source = openForeign(from, MAX_ARCHIVE_BYTES);
  const target = fs.openSync(to, 'wx', 0o600);
  try {
    const { size } = fs.fstatSync(source);
    requireSpace(install, size);
    const hash = createHash('sha256');
    const buffer = Buffer.alloc(1024 * 1024);
    for (let [left, read] = [size, 1]; left > 0 && read > 0; left -= read) {
      read = fs.readSync(source, buffer, 0, Math.min(left, buffer.length), null);
      hash.update(buffer.subarray(0, read));
      fs.writeFileSync(target, buffer.subarray(0, read));
    }
    return hash.digest('hex');
  } finally {
    fs.closeSync(source);
    fs.closeSync(target);
  }
}

function requireSpace(folder: string, archiveBytes: number): void {
  const { bavail, bsize } = fs.statfsSync(folder);
  const needed = archiveBytes * SPACE_FACTOR + SPARE_BYTES;
  if (bavail * bsize < needed) throw new Refusal(`"${folder}" needs ${Math.ceil(needed / 1e6)} MB of free space`);
}

function untar(archive: string, folder: string): void {
  const options = ['--extract', '--no-same-owner', '--strip-components=1', '--file', archive, '--directory', folder];
  run('tar', options, 'It cannot be unpacked');
}

/** A power cut after the switch must not find empty files: what would go back is among them. */
function syncTree(folder: string): void {
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() && !entry.isDirectory()) continue;
    const fd = fs.openSync(join(entry.parentPath, entry.name), 'r');
    fs.fsyncSync(fd);
    fs.closeSync(fd);
  }
}

/** Its Node runs on this machine's libraries, and reads its agent. */
function requireStart(release: string): void {
  run(join(release, 'bin/node'), ['--check', join(release, 'lib/agent.mjs')], 'It does not start here');
}

function run(program: string, args: string[], fault: string): void {
  try {
    execFileSync(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 120_000,
      env: { PATH: '/usr/bin:/bin' },
    });
  } catch (error) {
    throw new Refusal(
      `${fault}: ${String((error as { stderr?: Buffer }).stderr ?? '')
        .trim()
        .slice(0, 500)}`,
    );
  }
}

/** Below 0: `a` is older. By the rules of semver.org, as shared/release/version.ts; a test compares them. */
export function compareVersions(a: string, b: string): number {
  const [[coreA, preA], [coreB, preB]] = [splitVersion(a), splitVersion(b)];
  const byCore = compareParts(coreA, coreB);
  if (byCore !== 0 || preA === preB) return byCore;
  if (preA === '' || preB === '') return preA === '' ? 1 : -1;
  return compareParts(preA.split('.'), preB.split('.'));
}

function splitVersion(version: string): [core: string[], pre: string] {
  const [, core = '', pre = ''] = /^([\d.]+)(?:-([^+]+))?/.exec(version) ?? [];
  return [core.split('.'), pre];
}

function compareParts(a: string[], b: string[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [one, other] = [a[i], b[i]];
    if (one === undefined || other === undefined) return one === undefined ? -1 : 1;
    const [isNumber, isOtherNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
    if (isNumber && Number(one) !== Number(other)) return Number(one) - Number(other);
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}
