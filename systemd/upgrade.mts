// What root does in an upgrade of a host, and all it does: longshore-upgrade.service runs this file as it is, with the Node
// of the release that is running. It imports upgrade-release.mts and nothing else, so that reading these two is enough.
//
// The agent has downloaded a release and names it in a request. Nothing else of the agent's is believed: the list of sums
// must bear the signature of /etc/longshore/release.pub, the archive is copied out of the agent's reach before its sum is
// taken, and an older release than the one that runs is refused unless the request wants that.
//
//   request ──▶ verify ──▶ unpack ──▶ note `upgrading` ──▶ switch ──▶ restart the agent ──▶ connected in 60 s ──▶ upgraded
//                  └ refused             (found at a start: goes on from here)                └ no ──▶ back ──▶ reverted
//
// Containers are dockerd's; only the agent restarts.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readRequest, readText, requireWanted, unpack, type ReleasePlaces, type Request } from './upgrade-release.mts';

export interface Places extends ReleasePlaces {
  /** The agent writes its version there when control has welcomed it. */
  connected: string;
  /** Where systemd's units are; only those already there are renewed. */
  units: string;
}

export interface Machine {
  arch: string;
  systemctl: (...args: string[]) => void;
  /** How long a new agent may take until it is connected. */
  connectLimitMs: number;
  log: (line: string) => void;
}

/** Read by the agent, which tells control. */
export interface Outcome {
  id: string;
  version: string;
  state: 'upgraded' | 'reverted' | 'refused';
  reason: string | null;
}

interface Upgrading {
  id: string;
  from: string;
  to: string;
}

const LOOK_MS = 250;
/** The times of files run behind the clock by up to a tick of the kernel. */
const CLOCK_STEP_MS = 10;
/** longshore-upgrade.path begins what failed again at once, and systemd gives up on what fails often. */
const PAUSE_MS = 20_000;
const AGENT_UNIT = 'longshore-agent.service';

/** Safe to run at any time and again after a death at any point; says what it did, undefined for nothing. */
export async function upgradeHost(places: Places, machine: Machine): Promise<Outcome | undefined> {
  const interrupted = readOwn(join(places.install, 'upgrading.json')) as Upgrading | undefined;
  if (interrupted) return settle(places, machine, interrupted);
  const request = readRequest(places);
  const last = readOwn(join(places.install, 'upgrade.json')) as Outcome | undefined;
  if (!request || request.id === last?.id) return undefined;
  const { id, version } = request;
  let upgrading: Upgrading;
  try {
    upgrading = prepare(places, machine, request);
  } catch (error) {
    return conclude(places, machine, { id, version, state: 'refused', reason: (error as Error).message });
  }
  return settle(places, machine, upgrading);
}

/** Until there is none: systemd overlooks a request that comes while this runs. */
export async function answerRequests(places: Places, machine: Machine): Promise<void> {
  while (await upgradeHost(places, machine));
}

/** Whatever it throws, nothing has changed for the agent that runs. */
function prepare(places: Places, machine: Machine, request: Request): Upgrading {
  const from = currentOf(places);
  requireWanted(request, from, machine);
  if (from !== request.version) unpack(places, request);
  const upgrading: Upgrading = { id: request.id, from, to: request.version };
  writeOwn(join(places.install, 'upgrading.json'), upgrading);
  return upgrading;
}

// ── the switch ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function settle(places: Places, machine: Machine, { id, from, to }: Upgrading): Promise<Outcome> {
  // install.sh may put another one in place, and remove what we would go back to.
  const isOurs = () => [from, to].includes(currentOf(places));
  const fault = isOurs() ? await tryRelease(places, machine, to).catch(String) : null;
  if (!isOurs()) {
    const reason = `${currentOf(places)} was put in place meanwhile`;
    return conclude(places, machine, { id, version: to, state: 'refused', reason });
  }
  if (from === to) {
    const state = fault === null ? 'upgraded' : 'refused';
    return conclude(places, machine, { id, version: to, state, reason: fault });
  }
  if (fault !== null) switchTo(places, machine, from);
  const state = fault === null ? 'upgraded' : 'reverted';
  const outcome = conclude(places, machine, { id, version: to, state, reason: fault });
  // Last: until it is concluded it may be begun again.
  if (fault === null) prune(places, [from, to]);
  else fs.rmSync(join(places.install, 'releases', to), { recursive: true, force: true });
  return outcome;
}

const currentOf = ({ install }: Places): string => basename(fs.readlinkSync(join(install, 'current')));

/** Null: its agent has connected. Otherwise why not. */
async function tryRelease(places: Places, { connectLimitMs, ...machine }: Machine, to: string): Promise<string | null> {
  const since = Date.now() - CLOCK_STEP_MS;
  const end = performance.now() + connectLimitMs; // at boot the clock may yet be set
  switchTo(places, machine, to);
  for (; performance.now() < end; await sleep(LOOK_MS)) {
    if (isConnected(places.connected, to, since)) return null;
  }
  return `Its agent was not connected to the control plane within ${connectLimitMs / 1000} s`;
}

/** Said after the switch: the agent before may have been of the same version. */
function isConnected(path: string, version: string, since: number): boolean {
  const saidAt = fs.lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return saidAt >= since && readText(path)?.trim() === version;
}

function switchTo({ install, units }: Places, { systemctl }: Pick<Machine, 'systemctl'>, version: string): void {
  const link = join(install, 'current.new');
  fs.rmSync(link, { force: true });
  fs.symlinkSync(join('releases', version), link);
  fs.renameSync(link, join(install, 'current'));
  syncFolder(install);
  renewUnits(join(install, 'releases', version, 'systemd'), units);
  systemctl('daemon-reload');
  systemctl('restart', '--no-block', AGENT_UNIT);
}

/** Those of the release that are installed; what somebody changed belongs into a drop-in. */
function renewUnits(from: string, units: string): void {
  const names = fs.existsSync(from) ? fs.readdirSync(from) : [];
  for (const name of names.filter((one) => /\.(service|path|socket)$/.test(one))) {
    const installed = join(units, name);
    const isThere = fs.lstatSync(installed, { throwIfNoEntry: false })?.isFile();
    if (isThere) writeDurably(installed, fs.readFileSync(join(from, name), 'utf8'));
  }
}

/** What runs, and what ran before. */
function prune({ install }: Places, kept: string[]): void {
  for (const name of fs.readdirSync(join(install, 'releases'))) {
    if (!kept.includes(name)) fs.rmSync(join(install, 'releases', name), { recursive: true, force: true });
  }
}

function conclude({ install }: Places, { log }: Machine, outcome: Outcome): Outcome {
  writeOwn(join(install, 'upgrade.json'), outcome);
  fs.rmSync(join(install, 'upgrading.json'), { force: true });
  syncFolder(install);
  log(`${outcome.id}: ${outcome.version} ${outcome.state}${outcome.reason === null ? '' : `: ${outcome.reason}`}`);
  return outcome;
}

// ── its own notes ────────────────────────────────────────────────────────────────────────────────────────────────────

function readOwn(path: string): unknown {
  return fs.existsSync(path) ? JSON.parse(fs.readFileSync(path, 'utf8')) : undefined;
}

const writeOwn = (path: string, note: object): void => writeDurably(path, `${JSON.stringify(note)}\n`);

/** Whole or not at all, also when the power goes. */
function writeDurably(path: string, text: string): void {
  const fd = fs.openSync(`${path}.new`, 'w', 0o644);
  try {
    fs.writeFileSync(fd, text); // writeSync may leave the rest out on a full disk
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  fs.renameSync(`${path}.new`, path);
  syncFolder(join(path, '..'));
}

function syncFolder(folder: string): void {
  const fd = fs.openSync(folder, 'r');
  fs.fsyncSync(fd);
  fs.closeSync(fd);
}

if (import.meta.main) {
  process.umask(0o022);
  const places: Places = {
    install: '/opt/longshore',
    spool: '/var/lib/longshore/upgrade',
    releaseKey: '/etc/longshore/release.pub',
    connected: '/run/longshore/connected',
    units: '/etc/systemd/system',
  };
  const machine: Machine = {
    arch: process.arch,
    systemctl: (...args) => void execFileSync('systemctl', args, { stdio: 'inherit', timeout: 60_000 }),
    connectLimitMs: Number(process.env['CONNECT_LIMIT_S'] ?? 60) * 1000,
    log: (line) => process.stdout.write(`${line}\n`),
  };
  await answerRequests(places, machine).catch(async (error: unknown) => {
    await sleep(PAUSE_MS);
    throw error;
  });
}
