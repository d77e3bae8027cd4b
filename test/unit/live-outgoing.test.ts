import t from 'tap';
import { Outgoing } from '../../control/realtime/outgoing.ts';

/** A socket that takes what it is given and drains when told. */
class StuckSocket {
  readonly readyState = 1;
  bufferedAmount = 0;
  isTerminated = false;
  readonly sent: unknown[] = [];
  #waiting: (() => void)[] = [];

  send = (text: unknown, done?: unknown) => {
    this.sent.push(JSON.parse(String(text)));
    this.bufferedAmount += 1024 * 1024;
    this.#waiting.push(done as () => void);
  };

  terminate = () => void (this.isTerminated = true);

  drain(): void {
    this.bufferedAmount = 0;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const done of waiting) done();
  }
}

t.test('a slow client loses the oldest news and is told how many, before the rest', async (t) => {
  const socket = new StuckSocket();
  const outgoing = new Outgoing(socket, 2);
  for (let n = 1; n <= 6; n++) outgoing.tell({ n });
  t.strictSame(socket.sent, [{ n: 1 }], 'one is on its way');
  for (let i = 0; i < 4; i++) socket.drain();
  t.strictSame(socket.sent, [{ n: 1 }, { type: 'gap', missed: 3 }, { n: 5 }, { n: 6 }]);
});

t.test('the count starts anew after each gap', async (t) => {
  const socket = new StuckSocket();
  const outgoing = new Outgoing(socket, 1);
  const drainAll = () => [1, 2, 3, 4].forEach(() => socket.drain());
  for (let n = 1; n <= 3; n++) outgoing.tell({ n });
  drainAll();
  for (let n = 4; n <= 6; n++) outgoing.tell({ n });
  drainAll();
  t.strictSame(socket.sent, [
    { n: 1 },
    { type: 'gap', missed: 1 },
    { n: 3 },
    { n: 4 },
    { type: 'gap', missed: 1 },
    { n: 6 },
  ]);
});

t.test('answers are never lost', async (t) => {
  const socket = new StuckSocket();
  const outgoing = new Outgoing(socket, 1);
  outgoing.tell({ n: 1 });
  outgoing.answer({ type: 'subscribed' });
  outgoing.tell({ n: 2 });
  outgoing.tell({ n: 3 });
  for (let i = 0; i < 4; i++) socket.drain();
  t.strictSame(socket.sent, [{ n: 1 }, { type: 'gap', missed: 2 }, { type: 'subscribed' }]);
});

t.test('a client that asks on and never reads is cut off', async (t) => {
  const socket = new StuckSocket();
  const outgoing = new Outgoing(socket);
  for (let n = 0; n <= 100; n++) outgoing.answer({ n });
  t.notOk(socket.isTerminated, 'a hundred may wait behind the one on its way');
  outgoing.answer({ n: 101 });
  t.ok(socket.isTerminated);
});

t.test('a client that keeps up gets everything at once', async (t) => {
  const sent: unknown[] = [];
  const socket = {
    readyState: 1 as const,
    bufferedAmount: 0,
    send: (text: unknown) => void sent.push(text),
    terminate() {},
  };
  const outgoing = new Outgoing(socket, 2);
  for (let n = 0; n < 50; n++) outgoing.tell({ n });
  t.equal(sent.length, 50);
});
