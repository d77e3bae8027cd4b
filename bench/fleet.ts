// `fleet`: thousands of agents on one control process: what one costs, how long all take to come back when every socket is
// cut and when control restarts, how fast one command reaches all of them, and what a panel notices meanwhile.
//
//     node bench/fleet.ts          AGENTS=1000,10000 TLS=off,auto (one table row each), PROCESSES=4 for the agents
import { readFileSync } from 'node:fs';
import { Fleet } from './support/fleet.ts';
import { printTable } from './support/report.ts';

const SIZES = (process.env['AGENTS'] ?? '1000').split(',').map(Number);
const WAYS = (process.env['TLS'] ?? 'off').split(',').map((way) => (way === 'auto' ? 'auto' : 'off'));
const PROCESSES = Number(process.env['PROCESSES'] ?? 4);
/** Of a process, beside its sockets with agents: the database, the API, Node itself. */
const OTHER_FILES = 200;

requireFiles(Math.max(...SIZES) + OTHER_FILES);
const tables = new Map<string, Record<string, string | number>[]>();
for (const agents of SIZES) {
  for (const tls of WAYS) {
    const fleet = await Fleet.open({ agents, tls, processes: PROCESSES });
    try {
      await measure(fleet, { agents, TLS: tls === 'auto' ? 'on' : 'off' });
    } finally {
      await fleet.close();
    }
  }
}
for (const [title, rows] of tables) printTable(title, rows);

async function measure(fleet: Fleet, run: { agents: number; TLS: string }): Promise<void> {
  const add = (title: string, row: Record<string, string | number>) => {
    tables.set(title, [...(tables.get(title) ?? []), { ...run, ...row }]);
    console.error(title, run, row); // a run takes minutes
  };
  const coming = 'Coming in';
  add(coming, { what: 'all dial at once', ...(await fleet.connect()) });
  add('An idle fleet', { names: 'none', ...(await fleet.idle()) });
  for (const asking of [1, Math.min(1000, run.agents)]) add('Round trip', await fleet.echo(asking));
  add('One command to all', await fleet.dispatch());
  add(coming, { what: 'every socket is cut', ...(await fleet.storm()) });
  add(coming, { what: 'control restarts', ...(await fleet.restart()) });
  add('An idle fleet', { names: 'one a service', ...(await fleet.idle()) });
}

/** Node takes the hard limit by itself (`ulimit -Hn`); past that no bench can go. */
function requireFiles(needed: number): void {
  const [, hard = '0'] = /Max open files\s+\d+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  if (Number(hard) >= needed) return;
  console.error(`A process may open ${hard} files here, and ${needed} are needed: raise it, \`ulimit -Hn ${needed}\``);
  process.exit(1);
}
