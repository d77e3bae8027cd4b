// The settings that one Docker child process runs with while it needs registry logins: a folder of its own, there as
// long as the child, so that a password is neither an argument nor in an environment. Never in a service's folder: that
// is the context of its builds.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DOCKER_HUB } from '#shared/compose/image-name.ts';
import type { RegistryLogin } from '#shared/model.ts';

/** Docker's client still files the Hub's login under the address of its first API. */
const HUB_KEY = 'https://index.docker.io/v1/';

const addressOf = ({ server }: RegistryLogin): string => (server === DOCKER_HUB ? HUB_KEY : server);

/** For a call of dockerode, which makes a header of it and keeps it out of the query. */
export const authOf = (login: RegistryLogin | undefined) =>
  login && {
    authconfig: { username: login.username, password: login.password, serveraddress: addressOf(login) },
  };

type Settings = Record<string, unknown>;

/**
 * The host's own settings (proxies, plugins) with exactly these logins: what an operator logged in to by hand is not for
 * a service that brings its own.
 */
export function settingsWith(logins: readonly RegistryLogin[], own: Settings, home: string): Settings {
  const { credsStore: _store, credHelpers: _helpers, ...kept } = own;
  const auths = logins.map((login) => [addressOf(login), { auth: encode(login) }]);
  const folders = Array.isArray(own['cliPluginsExtraDirs']) ? (own['cliPluginsExtraDirs'] as unknown[]) : [];
  // Docker looks for a user's plugins beside the settings, and those are elsewhere now.
  return {
    ...kept,
    auths: Object.fromEntries(auths),
    cliPluginsExtraDirs: [...folders, join(home, '.docker/cli-plugins')],
  };
}

const encode = ({ username, password }: RegistryLogin) => Buffer.from(`${username}:${password}`).toString('base64');

export interface DockerConfig {
  /** Made for the work and removed after it; what an earlier work left there goes first. */
  folder: string;
  home: string;
  logins: readonly RegistryLogin[];
}

/** Does the work with DOCKER_CONFIG for its child's environment. */
export async function withDockerConfig<T>(
  { folder, home, logins }: DockerConfig,
  work: (env: Record<string, string>) => Promise<T>,
): Promise<T> {
  await rm(folder, { recursive: true, force: true });
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const settings = settingsWith(logins, await loadOwn(home), home);
    await writeFile(join(folder, 'config.json'), JSON.stringify(settings), { mode: 0o600, flag: 'wx' });
    // Which builder to use is remembered beside the settings; it stays the host's.
    return await work({ DOCKER_CONFIG: folder, BUILDX_CONFIG: join(home, '.docker/buildx') });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Nothing where there are none, or none that Docker could read either. */
async function loadOwn(home: string): Promise<Settings> {
  try {
    return JSON.parse(await readFile(join(home, '.docker/config.json'), 'utf8')) as Settings;
  } catch {
    return {};
  }
}
