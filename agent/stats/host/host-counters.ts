// What the kernel says of the whole machine. Pure; what a text does not say is null.
import { interfacesOf } from '../counters.ts';

export interface HostTexts {
  stat: string;
  meminfo: string;
  loadavg: string;
  network: string;
  diskstats: string;
  uptime: string;
}

/** Counters since the machine was started, and what is as it is. */
export interface HostReading {
  /** CPU time of all cores, in ticks. */
  busyTicks: number | null;
  memoryTotalBytes: number | null;
  memoryBytes: number | null;
  load1: number | null;
  load5: number | null;
  load15: number | null;
  rxBytes: number | null;
  txBytes: number | null;
  readBytes: number | null;
  writeBytes: number | null;
  uptimeS: number | null;
}

/** Of one busy core: USER_HZ is 100 on every Linux that Node runs on. */
export const TICKS_A_SECOND = 100;
const SECTOR_BYTES = 512;
/** What containers say to each other does not leave the machine; a bridge would count it again. */
const INNER_INTERFACE = /^(veth|br-|docker|virbr|tun|tap|wg)/;
/** Whole disks: what their partitions and what lies above them do comes down to them. */
const DISK = /^(?:[shv]d[a-z]+|xvd[a-z]+|nvme\d+n\d+|mmcblk\d+)$/;

export function readHost(texts: HostTexts): HostReading {
  const [load1 = null, load5 = null, load15 = null] = numbersOf(texts.loadavg);
  const [uptimeS = null] = numbersOf(texts.uptime);
  return {
    busyTicks: busyOf(texts.stat),
    ...memoryOf(texts.meminfo),
    load1,
    load5,
    load15,
    ...(texts.network === '' ? { rxBytes: null, txBytes: null } : interfacesOf(texts.network, INNER_INTERFACE)),
    ...transfersOf(texts.diskstats),
    uptimeS,
  };
}

/** All but idle, waiting for a disk, and what another machine took of the core; guests are in user time already. */
function busyOf(stat: string): number | null {
  const fields = /^cpu +(.*)$/m.exec(stat)?.[1]?.split(' ').map(Number);
  if (!fields) return null;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = fields;
  return user + nice + system + irq + softirq;
}

function memoryOf(meminfo: string): Pick<HostReading, 'memoryBytes' | 'memoryTotalBytes'> {
  const bytesOf = (name: string) => {
    const kib = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(meminfo)?.[1];
    return kib === undefined ? null : Number(kib) * 1024;
  };
  const [total, available] = [bytesOf('MemTotal'), bytesOf('MemAvailable')];
  return { memoryTotalBytes: total, memoryBytes: total === null || available === null ? null : total - available };
}

/** `   8       0 sda reads merged sectors-read ms writes merged sectors-written …`. */
function transfersOf(diskstats: string): Pick<HostReading, 'readBytes' | 'writeBytes'> {
  const disks = diskstats
    .split('\n')
    .map((line) => line.trim().split(/ +/))
    .filter(([, , name = '']) => DISK.test(name));
  if (disks.length === 0) return { readBytes: null, writeBytes: null };
  const sum = (field: number) => disks.reduce((all, fields) => all + Number(fields[field]), 0) * SECTOR_BYTES;
  return { readBytes: sum(5), writeBytes: sum(9) };
}

const numbersOf = (text: string): number[] =>
  text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(Number);
