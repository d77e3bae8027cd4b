// Looks at this host for `longshore doctor`, without the control plane and whether or not the agent runs.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { askHealth, lookAtDisk, lookAtPath } from '#shared/doctor/look.ts';
import { toLongshoreError } from '#shared/errors.ts';
import type { LocalStatus } from '#shared/local.ts';
import { fetchSystemdVersion, fetchUnit, isClockSynchronized } from '#shared/systemd-facts.ts';
import type { Clock } from '#shared/time.ts';
import type { AgentConfig } from '../config.ts';
import { runChild, SYSTEM_PATH } from '../docker/child.ts';
import { findPlugin } from '../docker/compose.ts';
import { createDockerEngine } from '../docker/docker-engine.ts';
import { loadPolicy, POLICY_PATH } from '../policy.ts';
import { readControlUrl } from '../state/control-url.ts';
import type { HostExam, Tool } from './judge.ts';

const VERSION_DEADLINE_MS = 10_000;

/** `agent`: what it said of itself over its socket. */
export async function examineHost(
  config: Pick<AgentConfig, 'dataDir' | 'dockerSocket' | 'home'>,
  agent: LocalStatus | null,
  { version, clock }: { version: string; clock: Clock },
): Promise<HostExam> {
  const { dataDir, dockerSocket } = config;
  const url = agent?.control.url ?? readControlUrl(dataDir);
  const [docker, tools, systemd, unit, isSynchronized, policy, control] = await Promise.all([
    examineDocker(dockerSocket),
    examineTools(config),
    fetchSystemdVersion(),
    fetchUnit('longshore-agent'),
    isClockSynchronized(),
    examinePolicy(),
    url === null ? null : examineControl(url, clock),
  ]);
  return {
    version,
    node: process.versions.node,
    docker,
    tools,
    systemd,
    unit,
    agent,
    control,
    policy,
    folder: lookAtPath(dataDir),
    key: lookAtPath(join(dataDir, 'agent.key')),
    disk: lookAtDisk(dataDir),
    isClockSynchronized: isSynchronized,
  };
}

async function examineDocker(socket: string): Promise<HostExam['docker']> {
  try {
    const { version } = await createDockerEngine({ socketPath: socket }).version();
    return { socket, version, fault: null };
  } catch (error) {
    return { socket, version: null, fault: codeOf(error) };
  }
}

/** The system's word, which errors of ours carry as their cause. */
function codeOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined && /^E[A-Z]+$/.test(code)) return code;
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? toLongshoreError(error).message : codeOf(cause);
}

async function examineTools({ home }: Pick<AgentConfig, 'home'>): Promise<Record<Tool, string | null>> {
  const [compose, buildx, git, restic] = await Promise.all([
    versionOf(findPlugin(home, 'compose'), 'version', '--short'),
    versionOf(findPlugin(home, 'buildx'), 'version'),
    versionOf('git', '--version'),
    versionOf('restic', 'version'),
  ]);
  return { compose, buildx, git, restic };
}

/** The first number that it says; null where it cannot be run. */
async function versionOf(file: string | undefined, ...args: string[]): Promise<string | null> {
  if (file === undefined) return null;
  let text = '';
  const onStdout = (line: string) => void (text += `${line}\n`);
  const env = { PATH: SYSTEM_PATH, HOME: '/nonexistent' };
  const options = { args, env, cwd: '/', deadlineMs: VERSION_DEADLINE_MS, onStdout, onStderr: () => undefined };
  try {
    await runChild(file, options);
  } catch {
    return null;
  }
  return /\d+\.\d+(\.\d+)*/.exec(text)?.[0] ?? null;
}

async function examinePolicy(): Promise<HostExam['policy']> {
  const fault = await loadPolicy().then(
    () => null,
    (error: unknown) => {
      const { message, details } = toLongshoreError(error);
      return details === undefined ? message : `${message}: ${details}`;
    },
  );
  return { path: POLICY_PATH, isThere: existsSync(POLICY_PATH), fault };
}

async function examineControl(url: string, clock: Clock): Promise<NonNullable<HostExam['control']>> {
  const { fault, skewMs } = await askHealth(url, clock);
  return { url, fault, skewMs };
}
