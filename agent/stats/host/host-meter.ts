// Measures this machine: what it uses now, and since the last look. /proc and /sys say all of it; a library that asks
// them costs more memory than this whole folder.
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostSample } from '#shared/stats.ts';
import type { KernelFolders } from '../cgroup-files.ts';
import { rateBetween } from '../counters.ts';
import { kernelText } from '../kernel-text.ts';
import { readHost, TICKS_A_SECOND, type HostReading, type HostTexts } from './host-counters.ts';

const FILES: Record<keyof HostTexts, string> = {
  stat: 'stat',
  meminfo: 'meminfo',
  loadavg: 'loadavg',
  network: 'net/dev',
  diskstats: 'diskstats',
  uptime: 'uptime',
};
const NAMES = Object.keys(FILES) as (keyof HostTexts)[];
/** Drivers of sensors in processors; those of disks and power supplies say nothing about how hot the machine is. */
const CPU_SENSOR = /^(coretemp|k10temp|zenpower|x86_pkg_temp|(cpu|soc).*)$/;

export interface HostMeterDeps {
  folders: KernelFolders;
  /** On the file system that is measured. */
  dataDir: string;
}

export class HostMeter {
  readonly #dataDir: string;
  readonly #files: Partial<Record<keyof HostTexts, number>>;
  readonly #sensors: number[];
  #last: (HostReading & { at: number }) | undefined;

  constructor({ folders: { proc, sys }, dataDir }: HostMeterDeps) {
    this.#dataDir = dataDir;
    const opened = NAMES.map((name) => [name, openIfThere(join(proc, FILES[name]))] as const);
    this.#files = Object.fromEntries(opened.filter(([, file]) => file !== undefined));
    this.#sensors = findSensors(sys).flatMap((path) => openIfThere(path) ?? []);
  }

  /** `at` is of `Clock.elapsed`. */
  async measure(at: number): Promise<Omit<HostSample, 'docker' | 'dockerBytes' | 'at'>> {
    const texts = Object.fromEntries(NAMES.map((name) => [name, textOf(this.#files[name])]));
    const now = { ...readHost(texts as Record<keyof HostTexts, string>), at };
    const last = this.#last;
    this.#last = now;
    const rateOf = (name: 'busyTicks' | 'rxBytes' | 'txBytes' | 'readBytes' | 'writeBytes') =>
      last ? rateBetween({ count: last[name], at: last.at }, { count: now[name], at }) : null;
    const ticksPerS = rateOf('busyTicks');
    const { load1, load5, load15, memoryBytes, memoryTotalBytes, uptimeS } = now;
    return {
      cpuCores: ticksPerS === null ? null : ticksPerS / TICKS_A_SECOND,
      load1,
      load5,
      load15,
      memoryBytes,
      memoryTotalBytes,
      ...(await this.#disk()),
      rxBytesPerS: rateOf('rxBytes'),
      txBytesPerS: rateOf('txBytes'),
      readBytesPerS: rateOf('readBytes'),
      writeBytesPerS: rateOf('writeBytes'),
      temperatureC: this.#temperature(),
      uptimeS,
    };
  }

  close(): void {
    for (const file of [...Object.values(this.#files), ...this.#sensors]) closeSync(file);
  }

  /** As `df` has it: what is kept for root counts as used. */
  async #disk(): Promise<{ diskBytes: number | null; diskTotalBytes: number | null }> {
    try {
      const { blocks, bavail, bsize } = await statfs(this.#dataDir);
      return { diskBytes: (blocks - bavail) * bsize, diskTotalBytes: blocks * bsize };
    } catch {
      return { diskBytes: null, diskTotalBytes: null };
    }
  }

  /** The hottest; most virtual machines have none. */
  #temperature(): number | null {
    const degrees = this.#sensors.map((file) => Number.parseInt(textOf(file), 10) / 1000).filter(Number.isFinite);
    return degrees.length === 0 ? null : Math.max(...degrees);
  }
}

/** A sensor that sleeps has nothing to say. */
function textOf(file: number | undefined): string {
  try {
    return file === undefined ? '' : kernelText(file);
  } catch {
    return '';
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}

/** hwmon has one a core or package, thermal zones are what small boards have instead. */
function findSensors(sys: string): string[] {
  const hwmon = join(sys, 'class/hwmon');
  const chips = namesIn(hwmon).filter((chip) => CPU_SENSOR.test(lineOf(join(hwmon, chip, 'name'))));
  const inputs = chips.flatMap((chip) =>
    namesIn(join(hwmon, chip))
      .filter((name) => /^temp\d+_input$/.test(name))
      .map((name) => join(hwmon, chip, name)),
  );
  if (inputs.length > 0) return inputs;
  const thermal = join(sys, 'class/thermal');
  const zones = namesIn(thermal).filter((zone) => CPU_SENSOR.test(lineOf(join(thermal, zone, 'type'))));
  return zones.map((zone) => join(thermal, zone, 'temp'));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function lineOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
