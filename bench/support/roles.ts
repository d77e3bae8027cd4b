// A bench whose parties are processes of their own, so that CPU and memory have an owner: starting one, asking it for
// things, reading what it used.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Usage {
  cpuMs: number;
  rssBytes: number;
  /** Since the process began. */
  mostRssBytes: number;
}

/** One role: a module of `bench/support/` that runs `playRole`. */
export class RoleProcess<Orders extends Record<string, [order: unknown, answer: unknown]>> {
  readonly #child: ChildProcess;

  constructor(module: string, flags: string[] = []) {
    const env = { ...process.env, NODE_OPTIONS: '' };
    this.#child = fork(fileURLToPath(new URL(module, import.meta.url)), { env, execArgv: flags });
  }

  /** Orders are carried out one at a time. Rejects with what the role threw. */
  async order<Name extends keyof Orders & string>(name: Name, order: Orders[Name][0]): Promise<Orders[Name][1]> {
    this.#child.send({ name, order });
    const [{ answer, error }] = (await once(this.#child, 'message')) as [{ answer?: unknown; error?: string }];
    if (error !== undefined) throw new Error(error);
    return answer;
  }

  async usage(): Promise<Usage> {
    return (await this.order('usage', null)) as Usage;
  }

  end(): void {
    this.#child.disconnect();
  }
}

type Handlers<Orders extends Record<string, [unknown, unknown]>> = {
  [Name in Exclude<keyof Orders, 'usage'>]: (order: Orders[Name][0]) => Promise<Orders[Name][1]>;
};

/** The other side: answers orders until the bench lets go. */
export function playRole<Orders extends Record<string, [unknown, unknown]>>(handlers: Handlers<Orders>): void {
  const all = { ...handlers, usage: async () => usage() } as Record<string, (order: unknown) => Promise<unknown>>;
  process.on('message', ({ name, order }: { name: string; order: unknown }) => {
    void all[name]?.(order).then(
      (answer) => process.send?.({ answer }),
      (error: Error) => process.send?.({ error: error.stack }),
    );
  });
  process.on('disconnect', () => process.exit());
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const mostRssBytes = process.resourceUsage().maxRSS * 1024;
  return { cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage.rss(), mostRssBytes };
}
