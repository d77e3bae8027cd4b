// What the facts of a host mean for whoever runs Longshore on it. Pure.
import {
  fail,
  fine,
  isAtLeast,
  judgeClock,
  judgeDisk,
  judgePrivate,
  judgeUnit,
  warn,
} from '#shared/doctor/findings.ts';
import type { DiskFacts, Finding, PathFacts, UnitFacts } from '#shared/doctor/findings.ts';
import type { LocalStatus } from '#shared/local.ts';

export const TOOLS = ['compose', 'buildx', 'git', 'restic'] as const;
export type Tool = (typeof TOOLS)[number];

/** As install.sh installs them; a test compares. */
export const LEAST = { engine: '26.0', compose: '2.40', restic: '0.17' };

export interface HostExam {
  /** Of the program that examines. */
  version: string;
  node: string;
  docker: { socket: string; version: string | null /** Why it does not answer. */; fault: string | null };
  tools: Record<Tool, string | null>;
  systemd: string | null;
  unit: UnitFacts | null;
  folder: PathFacts;
  key: PathFacts;
  disk: DiskFacts | null;
  /** What the agent says of itself; null: it does not answer. */
  agent: LocalStatus | null;
  /** Of the control plane that this host belongs to; null: none is known. */
  control: { url: string; fault: string | null; skewMs: number | null } | null;
  isClockSynchronized: boolean | null;
  /** `fault`: the agent would not start with it. */
  policy: { path: string; isThere: boolean; fault: string | null };
}

const INSTALL_ENGINE = 'install.sh engine';

export function judgeHost(exam: HostExam): Finding[] {
  const { tools, unit, folder, key, disk, agent, control } = exam;
  return [
    judgeVersion(exam),
    ...(unit ? [judgeUnit(unit, agent !== null)] : []),
    judgeLink(exam),
    ...(control ? [judgeReach(control)] : []),
    judgeClock(control?.skewMs ?? null, exam.isClockSynchronized),
    judgeDocker(exam.docker),
    judgeTool('compose', tools.compose, LEAST.compose, 'fail', 'nothing can be deployed'),
    judgeTool('buildx', tools.buildx, '0', 'warn', 'nothing can be built'),
    judgeTool('git', tools.git, '0', 'warn', 'nothing can be deployed from Git'),
    judgeTool('restic', tools.restic, LEAST.restic, 'warn', 'no backups'),
    judgePrivate('folder', folder, 0o700),
    judgePrivate('key', key, 0o600),
    ...(disk ? [judgeDisk(disk)] : []),
    judgePolicy(exam.policy),
  ];
}

function judgeVersion({ version, node, agent, systemd }: HostExam): Finding {
  const found = `Longshore ${version}, Node ${node}${systemd === null ? '' : `, systemd ${systemd}`}`;
  if (agent === null || agent.agent_version === version) return fine('version', found);
  return warn(
    'version',
    `${found}; the agent that runs is ${agent.agent_version}`,
    'systemctl restart longshore-agent',
  );
}

function judgeLink({ agent, control }: HostExam): Finding {
  if (agent === null) return fail('agent', 'does not answer on its socket', 'journalctl -u longshore-agent -n 50');
  const { connected, url, since, reason } = agent.control;
  if (connected) return fine('agent', `connected to ${url} as ${agent.host_id ?? 'a new host'} since ${since}`);
  const why = reason === null ? '' : `: ${reason}`;
  const isReached = control === null || control.fault === null;
  const fix = isReached ? 'longshore hosts list: was it revoked?' : 'See the line below; services run on';
  return fail('agent', `not connected to ${url} since ${since}${why}`, fix);
}

function judgeReach({ url, fault }: NonNullable<HostExam['control']>): Finding {
  if (fault === null) return fine('control', `${url} answers`);
  const fix = 'Does the control plane run? Do DNS, routes and firewalls let this host reach it?';
  return fail('control', `${url} does not answer: ${fault}`, fix);
}

function judgeDocker({ socket, version, fault }: HostExam['docker']): Finding {
  if (version === null) {
    const isDenied = fault?.includes('EACCES') ?? false;
    const fix = isDenied
      ? 'usermod -aG docker longshore, then restart the agent'
      : `systemctl start docker; ${INSTALL_ENGINE}`;
    return fail('docker', `no answer at ${socket}${fault === null ? '' : `: ${fault}`}`, fix);
  }
  if (isAtLeast(version, LEAST.engine)) return fine('docker', `Docker Engine ${version}`);
  return fail('docker', `Docker Engine ${version}, and ${LEAST.engine} is needed`, INSTALL_ENGINE);
}

function judgeTool(tool: Tool, version: string | null, least: string, verdict: 'warn' | 'fail', loss: string): Finding {
  if (version !== null && isAtLeast(version, least)) return fine(tool, version);
  const found = version === null ? 'not installed' : `${version}, and ${least} is needed`;
  return { check: tool, verdict, found: `${found}: ${loss}`, fix: INSTALL_ENGINE };
}

function judgePolicy({ path, isThere, fault }: HostExam['policy']): Finding {
  if (fault !== null) return fail('policy', fault, `Mend ${path}: the agent does not start with it`);
  return fine('policy', isThere ? path : `${path} is not there: the built-in rules hold`);
}
