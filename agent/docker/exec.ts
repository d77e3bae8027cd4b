// Programs inside containers over dockerode: created, started and attached in one go.
import type Dockerode from 'dockerode';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { aborted } from '#shared/time.ts';
import { asFault, ifAbsent, ifStatus } from './api-faults.ts';
import type { DockerClient } from './docker-client.ts';
import { ENGINE_DEADLINES } from './engine.ts';
import { splitExecOutput } from './exec-output.ts';
import type { ExecOptions, ExecOutputPart, ExecState, RunningExec, TerminalSize } from './running-exec.ts';

/** Ctrl-D. */
const END_OF_TRANSMISSION = '\x04';

/** Resolves once it is started and attached. Throws `docker_error` for a container that does not run. */
export async function startExec(client: DockerClient, containerId: string, options: ExecOptions): Promise<RunningExec> {
  const action = `Cannot run a program in container "${containerId}"`;
  const exec = await client.call(action, ENGINE_DEADLINES.change, (docker, abortSignal) =>
    docker.getContainer(containerId).exec({ ...toRequest(options), abortSignal }),
  );
  const hasTerminal = options.terminal !== undefined;
  const socket = await client.call(action, ENGINE_DEADLINES.change, (_docker, deadline) =>
    attach(exec, hasTerminal, deadline),
  );
  if (!options.takesInput) socket.end();
  return new DockerExec(client, exec, socket, hasTerminal);
}

/** The deadline is for the answer alone: given to the library, it would end the connection as well. */
async function attach(exec: Dockerode.Exec, hasTerminal: boolean, deadline: AbortSignal): Promise<Duplex> {
  const attached = exec.start({ hijack: true, stdin: true, Tty: hasTerminal });
  const socket = await Promise.race([attached, aborted(deadline)]);
  if (socket) return socket;
  attached.then(
    (late) => late.destroy(),
    () => {},
  );
  throw deadline.reason;
}

type CreateOptions = Dockerode.ExecCreateOptions & { ConsoleSize?: [rows: number, columns: number] };

const toRequest = (options: ExecOptions): CreateOptions => {
  const { command, user, workingDir, env = {}, terminal, takesInput = false } = options;
  return {
    Cmd: [...command],
    AttachStdin: takesInput,
    AttachStdout: true,
    AttachStderr: true,
    Tty: terminal !== undefined,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...(terminal && { ConsoleSize: [terminal.rows, terminal.columns] as [number, number] }),
    ...(user !== undefined && { User: user }),
    ...(workingDir !== undefined && { WorkingDir: workingDir }),
  };
};

class DockerExec implements RunningExec {
  readonly #client: DockerClient;
  readonly #exec: Dockerode.Exec;
  readonly #socket: Duplex;
  readonly #hasTerminal: boolean;
  #isDetached = false;

  constructor(client: DockerClient, exec: Dockerode.Exec, socket: Duplex, hasTerminal: boolean) {
    this.#client = client;
    this.#exec = exec;
    this.#socket = socket;
    this.#hasTerminal = hasTerminal;
    socket.on('error', () => {}); // whoever reads the output learns of it there
  }

  get output(): AsyncIterable<ExecOutputPart> {
    return this.#read();
  }

  async *#read(): AsyncGenerator<ExecOutputPart> {
    try {
      if (this.#hasTerminal) for await (const bytes of this.#socket) yield { stream: 'stdout', bytes: bytes as Buffer };
      else yield* splitExecOutput(this.#socket as AsyncIterable<Buffer>);
    } catch (error) {
      if (!this.#isDetached) throw asFault('Cannot read what a program prints', error, false);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#socket.writable || this.#socket.write(bytes)) return;
    const over = new AbortController();
    const { signal } = over;
    await Promise.race([once(this.#socket, 'drain', { signal }), once(this.#socket, 'close', { signal })])
      .catch(() => {}) // an error: there is nobody left to write to
      .finally(() => over.abort());
  }

  /** Docker cuts off the output of a terminal whose input is closed; on one, Ctrl-D is the end. */
  endInput(): void {
    if (!this.#hasTerminal) this.#socket.end();
    else if (this.#socket.writable) this.#socket.write(END_OF_TRANSMISSION);
  }

  async resize({ columns, rows }: TerminalSize): Promise<void> {
    await this.#client
      .call('Cannot resize a terminal', ENGINE_DEADLINES.inspect, (_docker, abortSignal) =>
        this.#exec.resize({ w: columns, h: rows, abortSignal }),
      )
      .catch(ifAbsent(undefined))
      .catch(ifStatus(500)); // it has just ended
  }

  inspect(): Promise<ExecState> {
    return this.#client
      .call('Cannot inspect a program', ENGINE_DEADLINES.inspect, async (_docker, abortSignal) => {
        const { Running, ExitCode, Pid } = await this.#exec.inspect({ abortSignal });
        return { isRunning: Running, exitCode: Running ? null : ExitCode, pid: Pid };
      })
      .catch(ifAbsent({ isRunning: false, exitCode: null, pid: 0 }));
  }

  detach(): void {
    this.#isDetached = true;
    this.#socket.destroy();
  }
}
