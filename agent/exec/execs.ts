// Programs run inside the containers of services, for one command or for a terminal: the agent's end of STREAMS.exec.
// A program lives as long as its stream: when the caller goes away, the time is over or the agent stops, it is ended.
import { sectionOf, type PolicyFile } from '#shared/compose/rules.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { ServiceSpec } from '#shared/model.ts';
import { shortened } from '#shared/protocol/exec-command.ts';
import { encodeExecNews } from '#shared/protocol/exec-frame.ts';
import type { ExecInput, ExecRequest } from '#shared/protocol/exec-parts.ts';
import type { StreamWriter } from '#shared/protocol/peer-types.ts';
import type { Clock } from '#shared/time.ts';
import type { Container, Engine } from '../docker/engine.ts';
import type { ExecOptions, RunningExec } from '../docker/running-exec.ts';
import { isOf } from '../owner.ts';
import { hideIn } from '../secrets/hide.ts';
import type { SecretSource } from '../secrets/mask.ts';
import { attendProgram } from './attend.ts';
import { chooseContainer } from './choose.ts';
import { Permit } from './permit.ts';
import { ProgramInput } from './program-input.ts';

export interface ExecDeps {
  engine: Pick<Engine, 'listProject' | 'startExec'>;
  services: SecretSource & { find(serviceId: string): { spec: ServiceSpec } | undefined };
  policy: PolicyFile;
  clock: Clock;
  log: Logger;
}

/** On one host: each is a process of the container and a connection to Docker. */
export const MAX_EXECS = 32;
/** Of those, in the services of one customer: three of them at their limit leave room for others. */
export const MAX_EXECS_OF_CUSTOMER = 8;

export class Execs {
  readonly #deps: ExecDeps;
  readonly #running = new Map<string, ProgramInput>();
  readonly #permits = new Map<string, Permit>();
  /** Each until it has ended, with the customer it is for. */
  readonly #sessions = new Map<Promise<void>, string | null>();
  readonly #stopped = new AbortController();

  constructor(deps: ExecDeps) {
    this.#deps = deps;
  }

  /** Rejects with `not_found`, `exec_denied`, `validation_error`, `state_conflict`, `unavailable` or Docker's fault. */
  async stream(request: ExecRequest, writer: StreamWriter, opened: () => void): Promise<void> {
    const spec = this.#requireAllowed(request.serviceId);
    this.#requireRoom(spec);
    const session = this.#serve(spec, request, writer, opened);
    this.#sessions.set(session, spec.customerId);
    await session.finally(() => this.#sessions.delete(session));
  }

  /** What comes after the end of the program is dropped. */
  async input(execId: string, { isPermit, ...input }: ExecInput): Promise<void> {
    if (isPermit) await this.#permits.get(execId)?.give();
    await this.#running.get(execId)?.take(input);
  }

  /** Ends every program; resolves when they are. */
  async close(): Promise<void> {
    this.#stopped.abort();
    for (const permit of this.#permits.values()) permit.withdraw();
    await Promise.allSettled(this.#sessions.keys());
  }

  async #serve(
    { id, name }: ServiceSpec,
    request: ExecRequest,
    writer: StreamWriter,
    opened: () => void,
  ): Promise<void> {
    const containers = await this.#deps.engine.listProject(name);
    const container = chooseContainer(containers.filter(isOf(id)), request);
    opened();
    const exec = await this.#start(request, container, writer);
    try {
      const { user, terminal } = request;
      const program = { exec, containerId: container.id, user: user ?? undefined, hasTerminal: terminal !== null };
      const end = await attendProgram(program, request, writer, this.#stopped.signal, this.#deps);
      if (!writer.signal.aborted) await writer.write(encodeExecNews(end));
    } finally {
      this.#running.get(request.execId)?.close();
      this.#running.delete(request.execId);
      exec.detach();
    }
  }

  async #start(request: ExecRequest, { id, name, service }: Container, writer: StreamWriter): Promise<RunningExec> {
    const { engine, services, clock } = this.#deps;
    const permit = new Permit();
    const withdraw = () => permit.withdraw();
    this.#permits.set(request.execId, permit);
    writer.signal.addEventListener('abort', withdraw, { once: true });
    try {
      if (writer.signal.aborted || this.#stopped.signal.aborted) withdraw();
      const command = shortened(request.command.map(hideIn(services.secretsOf(request.serviceId))));
      await writer.write(encodeExecNews({ kind: 'started', container: name, service, command }));
      if (!request.needsPermit) void permit.give();
      return await permit.use(async () => {
        const exec = await engine.startExec(id, optionsOf(request));
        const hasTerminal = request.terminal !== null;
        this.#running.set(request.execId, new ProgramInput({ exec, hasTerminal, clock }));
        return exec;
      });
    } finally {
      this.#permits.delete(request.execId);
      writer.signal.removeEventListener('abort', withdraw);
    }
  }

  #requireAllowed(serviceId: string): ServiceSpec {
    const { services, policy } = this.#deps;
    const spec = services.find(serviceId)?.spec;
    if (!spec) throw new LongshoreError('not_found', { message: 'The host does not know this service' });
    const section = sectionOf(spec);
    if (policy[section].exec) return spec;
    throw new LongshoreError('exec_denied', { details: `policy.yaml of the host: ${section}.exec is false` });
  }

  #requireRoom({ customerId }: ServiceSpec): void {
    if (this.#sessions.size >= MAX_EXECS)
      throw new LongshoreError('unavailable', { message: `The host runs ${MAX_EXECS} programs for others already` });
    if (customerId === null) return;
    const ofCustomer = [...this.#sessions.values()].filter((owner) => owner === customerId);
    if (ofCustomer.length < MAX_EXECS_OF_CUSTOMER) return;
    const message = `The host runs ${MAX_EXECS_OF_CUSTOMER} programs for this customer already`;
    throw new LongshoreError('unavailable', { message });
  }
}

const optionsOf = ({ command, user, workingDir, env, terminal, takesInput }: ExecRequest): ExecOptions => ({
  command,
  user: user ?? undefined,
  workingDir: workingDir ?? undefined,
  env,
  terminal: terminal ?? undefined,
  takesInput,
});
