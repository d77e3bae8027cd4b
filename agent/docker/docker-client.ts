// One connection to Docker for everybody: loads the library at the first call, gives each call its deadline and makes
// faults of ours from what fails. An agent that is asked nothing does not pay the library's 15 MB.
import type Dockerode from 'dockerode';
import { asFault, ifStatus } from './api-faults.ts';
import { ENGINE_DEADLINES } from './engine.ts';

export class DockerClient {
  readonly #socketPath: string;
  #client: Promise<Dockerode> | undefined;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** A call that changes something: 304 says that it is so already. */
  async change(
    action: string,
    graceMs: number,
    work: (docker: Dockerode, signal: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    await this.call(action, ENGINE_DEADLINES.change + graceMs, work).catch(ifStatus(304));
  }

  async call<T>(
    action: string,
    deadlineMs: number,
    work: (docker: Dockerode, signal: AbortSignal) => Promise<T>,
    cancel?: AbortSignal,
  ): Promise<T> {
    const deadline = AbortSignal.timeout(deadlineMs);
    try {
      return await work(await this.#docker(), cancel ? AbortSignal.any([deadline, cancel]) : deadline);
    } catch (error) {
      if (cancel?.aborted) throw cancel.reason;
      throw asFault(action, error, deadline.aborted);
    }
  }

  async open<T>(work: (docker: Dockerode) => Promise<T>): Promise<T> {
    return work(await this.#docker()).catch((error: unknown) => {
      throw asFault('Cannot follow the events of Docker', error, false);
    });
  }

  /** `host: undefined`: the library would otherwise let DOCKER_HOST of our environment win over the socket. */
  #docker(): Promise<Dockerode> {
    this.#client ??= import('dockerode').then(({ default: Docker }) => {
      return new Docker({ socketPath: this.#socketPath, host: undefined, protocol: 'http' });
    });
    return this.#client;
  }
}
