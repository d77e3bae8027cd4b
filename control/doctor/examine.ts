// Looks at a control plane's machine for `longshore doctor`, whether or not the control plane runs. Changes nothing.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { askHealth, lookAtDisk, lookAtPath } from '#shared/doctor/look.ts';
import { toLongshoreError } from '#shared/errors.ts';
import { manifestSchema, RELEASE_FILES } from '#shared/release/manifest.ts';
import { verifySums } from '#shared/release/sums.ts';
import { openSqliteReadOnly } from '#shared/sqlite.ts';
import { fetchUnit, isClockSynchronized } from '#shared/systemd-facts.ts';
import type { Clock } from '#shared/time.ts';
import type { ControlConfig } from '../config.ts';
import { MIGRATIONS } from '../db/schema.ts';
import type { ControlExam, Reached } from './judge.ts';

const KEYS = ['secret.key', 'control-key.pem', 'admin.key'];
/** Only where the control plane made its certificate by itself. */
const TLS_KEY = 'tls-key.pem';

export async function examineControl(
  config: ControlConfig,
  { version, clock }: { version: string; clock: Clock },
): Promise<ControlExam> {
  const { dataDir, publicUrl, distDir } = config;
  const [unit, own, atPublic, isSynchronized] = await Promise.all([
    fetchUnit('longshore-control'),
    reach(ownUrl(config), clock),
    publicUrl === null ? null : reach(publicUrl, clock),
    isClockSynchronized(),
  ]);
  return {
    version,
    node: process.versions.node,
    unit,
    own,
    public: atPublic,
    folder: lookAtPath(dataDir),
    keys: [...KEYS, ...(existsSync(join(dataDir, TLS_KEY)) ? [TLS_KEY] : [])].map((name) =>
      lookAtPath(join(dataDir, name)),
    ),
    disk: lookAtDisk(dataDir),
    schema: examineSchema(join(dataDir, 'control.db')),
    release: examineRelease(distDir),
    isClockSynchronized: isSynchronized,
  };
}

async function reach(url: string, clock: Clock): Promise<Reached> {
  const { fault, isRefused, certificateEndsAt } = await askHealth(url, clock);
  return { url, fault, isRefused, certificateEndsAt };
}

function ownUrl({ listen: { host, port }, tls }: ControlConfig): string {
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);
  return `${tls === 'off' ? 'http' : 'https'}://${reachable}:${port}`;
}

function examineSchema(file: string): ControlExam['schema'] {
  const known = MIGRATIONS.at(-1)?.version ?? 0;
  if (!existsSync(file)) return { found: null, known, fault: null };
  try {
    const db = openSqliteReadOnly(file);
    const found = db.pragma('user_version', { simple: true }) as number;
    db.close();
    return { found, known, fault: null };
  } catch (error) {
    return { found: null, known, fault: (error as Error).message };
  }
}

/** Whether its signature is that of its key, and its files have their sizes; sums are checked by who downloads. */
function examineRelease(folder: string): ControlExam['release'] {
  const read = (name: string) => readFileSync(join(folder, name));
  if (!existsSync(join(folder, RELEASE_FILES.manifest))) return { folder, version: null, fault: null };
  try {
    const { version, files } = manifestSchema.parse(JSON.parse(read(RELEASE_FILES.manifest).toString('utf8')));
    verifySums(read(RELEASE_FILES.sums), read(RELEASE_FILES.signature), read(RELEASE_FILES.publicKey));
    const broken = files.find(
      ({ name, size }) => statSync(join(folder, name), { throwIfNoEntry: false })?.size !== size,
    );
    return { folder, version, fault: broken ? `${broken.name} is not whole` : null };
  } catch (error) {
    return { folder, version: null, fault: toLongshoreError(error).details ?? (error as Error).message };
  }
}
