// What a quiet host with nothing on it says of itself.
import type { HostReport } from '../../agent/link/connection.ts';

export const hostReport = (bootId = 'boot-1'): HostReport => ({
  bootId,
  commandSeq: 0,
  events: { first: 1, last: 0 },
  epoch: 0,
  openJobs: [],
  services: [],
  facts: {
    hostname: 'test',
    os: 'Debian',
    kernel: '6.1',
    arch: 'x64',
    cpus: 2,
    memoryBytes: 1,
    memoryFreeBytes: 1,
    diskBytes: 1,
    diskFreeBytes: 1,
    dockerVersion: null,
    composeVersion: null,
    agentVersion: '0.1.0',
    addresses: [],
  },
});
