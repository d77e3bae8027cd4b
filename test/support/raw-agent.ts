// An agent's end of the wire without an agent: sends what the test says, in the order it says, right or wrong.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import {
  createNonce,
  proveSecret,
  signTranscript,
  transcriptOf,
  type Challenge,
  type Proof,
} from '#shared/protocol/handshake.ts';
import { createIdentity, type Identity } from '#shared/protocol/identity.ts';
import { agentUrlOf } from '../../agent/link/connection.ts';
import { hostReport } from './host-report.ts';

export interface ProofOptions {
  identity?: Identity;
  enrol?: { tokenId: string; secret: string };
  bootId?: string;
  instanceId?: string;
  connection?: number;
}

export class RawAgent {
  readonly ws: WebSocket;
  readonly identity: Identity;
  readonly closed: Promise<{ code: number; reason: string }>;
  helloText = '';
  challengeText = '';
  readonly #frames: string[] = [];
  #waiter: ((text: string) => void) | undefined;

  constructor(url: string, identity = createIdentity()) {
    this.identity = identity;
    this.ws = new WebSocket(agentUrlOf(url));
    this.closed = new Promise((resolve) => {
      this.ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    this.ws.on('error', () => {});
    this.ws.on('message', (data) => this.#take((data as Buffer).toString()));
  }

  async hello(message: object = { type: 'hello', versions: [1], nonce: createNonce() }): Promise<Challenge> {
    if (this.ws.readyState !== WebSocket.OPEN) await once(this.ws, 'open');
    this.helloText = JSON.stringify(message);
    this.ws.send(this.helloText);
    this.challengeText = await this.next();
    return JSON.parse(this.challengeText) as Challenge;
  }

  get transcript(): Buffer {
    return transcriptOf(this.helloText, this.challengeText);
  }

  proof({
    identity = this.identity,
    enrol,
    bootId,
    instanceId = 'instance-1',
    connection = 1,
  }: ProofOptions = {}): Proof {
    const mac = enrol && proveSecret(enrol.secret, this.transcript, identity.publicKey);
    return {
      ...hostReport(bootId),
      type: 'proof',
      agentKey: identity.publicKey,
      signature: signTranscript(identity, this.transcript),
      ...(enrol && mac && { enrol: { tokenId: enrol.tokenId, mac } }),
      instanceId,
      connection,
    };
  }

  send(message: object): void {
    this.ws.send(JSON.stringify(message));
  }

  /** Hello to the last word: resolves with the welcome or the refusal. */
  async enter(options: ProofOptions = {}): Promise<{ type: string; [field: string]: unknown }> {
    await this.hello();
    this.send(this.proof(options));
    return JSON.parse(await this.next()) as { type: string };
  }

  next(): Promise<string> {
    const text = this.#frames.shift();
    if (text !== undefined) return Promise.resolve(text);
    return Promise.race([
      new Promise<string>((resolve) => (this.#waiter = resolve)),
      this.closed.then(({ code }) => `{"type":"closed","code":${code}}`),
    ]);
  }

  #take(text: string): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter) waiter(text);
    else this.#frames.push(text);
  }
}
