// `longshore control`: the process around the control plane.
import type { Finding } from '#shared/doctor/findings.ts';
import { toLongshoreError } from '#shared/errors.ts';
import { EXIT, runMain, type Scope } from '#shared/lifecycle.ts';
import { createLogger } from '#shared/log.ts';
import { Systemd } from '#shared/systemd.ts';
import { systemClock, type Clock } from '#shared/time.ts';
import { startWatchdog } from '#shared/watchdog.ts';
import manifest from '../package.json' with { type: 'json' };
import { loadControlConfig, type ControlConfig } from './config.ts';
import type { AuditCheck } from './store/audit-chain.ts';
import type { BackupAbout, NewBackup } from './store/backup-file.ts';
import type { Restored } from './store/restore-file.ts';
import { startControl } from './system.ts';

export { loadControlConfig, type ControlConfig } from './config.ts';
export { startControl, type ControlDeps, type ControlHandle } from './system.ts';

/** Checks the audit log of a data folder, also beside a running control plane. */
export async function verifyAudit(dataDir: string, expected?: string): Promise<AuditCheck> {
  const { checkAuditFile } = await import('./store/audit-file.ts');
  return checkAuditFile(dataDir, expected);
}

/** Writes the data of a control plane into one file, also while that runs. */
export async function backupControl(backup: Omit<NewBackup, 'version'>): Promise<BackupAbout> {
  const { writeBackup } = await import('./store/backup-file.ts');
  return writeBackup({ ...backup, version: manifest.version });
}

/** Puts a backup in the place of the data of a control plane that does not run. */
export async function restoreControl(restore: { dataDir: string; file: string; now: number }): Promise<Restored> {
  const { restoreBackup } = await import('./store/restore-file.ts');
  return restoreBackup(restore);
}

/** What is wrong with the control plane of these settings, running or not. */
export async function examineControl(config: ControlConfig, clock: Clock): Promise<Finding[]> {
  const [{ examineControl: examine }, { judgeControl }] = await Promise.all([
    import('./doctor/examine.ts'),
    import('./doctor/judge.ts'),
  ]);
  return judgeControl(await examine(config, { version: manifest.version, clock }), clock.now());
}

/** What a restart does not mend: systemd must not try. */
export const controlExitCode = (error: unknown): number =>
  ['config_invalid', 'schema_too_new'].includes(toLongshoreError(error).code) ? EXIT.config : EXIT.failure;

/** Runs until SIGTERM or SIGINT. `argv`: what follows `longshore control`. Throws `config_invalid` before it starts. */
export async function runControl(argv: readonly string[]): Promise<void> {
  const config = loadControlConfig(argv);
  const log = createLogger({ level: config.logLevel, name: 'control' });
  const start = async (scope: Scope) => {
    const clock = systemClock;
    const { url, tlsPin, adminKeyFile, standing } = await startControl(config, { clock, log }, scope);
    log.info({ url, adminKeyFile, ...(tlsPin !== null && { tlsPin }) }, 'the control plane answers');
    const systemd = new Systemd({ env: config.notifyEnv, log });
    await startWatchdog({ systemd, limitMs: config.watchdogMs, look: standing, clock, log }, scope);
  };
  await runMain(log, start, controlExitCode);
}
