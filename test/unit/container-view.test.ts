// Docker's account of a container in our words.
import t from 'tap';
import { fromInspect } from '../../agent/docker/container-view.ts';

type Raw = Parameters<typeof fromInspect>[0];

/** Its fixed port, one that Docker chooses, and a fixed one by UDP; `bound`: what is on the host now. */
const portsOf = (bound: object | null) =>
  fromInspect({
    Id: 'a1b2',
    Name: '/web',
    Image: 'sha256:0',
    RestartCount: 0,
    State: { Status: 'exited', Running: false, StartedAt: '', FinishedAt: '', ExitCode: 0, OOMKilled: false, Pid: 0 },
    Config: { Image: 'busybox:1', Labels: {} },
    HostConfig: {
      PortBindings: {
        '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }],
        '81/tcp': [{ HostIp: '', HostPort: '' }],
        '82/udp': [{ HostIp: '', HostPort: '8082' }],
        '83/tcp': [{ HostIp: '', HostPort: '8000-8010' }],
      },
    },
    NetworkSettings: { Ports: bound, Networks: {} },
  } as unknown as Raw).ports;

t.test('what runs has the ports that are bound', async (t) => {
  t.strictSame(portsOf({ '80/tcp': null, '81/tcp': [{ HostIp: '0.0.0.0', HostPort: '32768' }] }), [
    { host: 32768, container: 81, protocol: 'tcp', address: '0.0.0.0' },
  ]);
});

t.test('what is down has those it will have again, not those that Docker chooses', async (t) => {
  const fixed = [
    { host: 8080, container: 80, protocol: 'tcp', address: '127.0.0.1' },
    { host: 8082, container: 82, protocol: 'udp', address: '0.0.0.0' },
  ];
  t.strictSame(portsOf({}), fixed);
  t.strictSame(portsOf(null), fixed);
});
