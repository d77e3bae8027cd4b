// Where repositories for backups may lie (A65): what restic is given is what was judged.
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { parseRepositoryUrl } from '#shared/backup-url.ts';

const problemOf = (text: string): string | undefined => {
  try {
    parseRepositoryUrl(text);
    return undefined;
  } catch (error) {
    return error instanceof LongshoreError ? error.fields?.['url'] : String(error);
  }
};

t.test('the four kinds, with the server that is called', async (t) => {
  t.strictSame(parseRepositoryUrl('/srv/backups'), { kind: 'local', url: '/srv/backups', server: null });
  t.strictSame(parseRepositoryUrl('rest:https://backup.example.com/shop/'), {
    kind: 'rest',
    url: 'rest:https://backup.example.com/shop/',
    server: { host: 'backup.example.com', port: 443 },
  });
  t.strictSame(parseRepositoryUrl('s3:http://[fd00::1]:9000/bucket/shop'), {
    kind: 's3',
    url: 's3:http://[fd00::1]:9000/bucket/shop',
    server: { host: 'fd00::1', port: 9000 },
  });
  t.strictSame(parseRepositoryUrl('sftp://shop@backup.example.com:2222/srv/shop'), {
    kind: 'sftp',
    url: 'sftp://shop@backup.example.com:2222//srv/shop',
    server: { host: 'backup.example.com', port: 2222 },
  });
});

t.test('A65: an address that people and programs read differently is what the program reads', async (t) => {
  const hosts = ['0x7f.1', '2130706433', '127.1'].map(
    (host) => parseRepositoryUrl(`rest:http://${host}/x`).server?.host,
  );
  t.strictSame(hosts, ['127.0.0.1', '127.0.0.1', '127.0.0.1']);
});

t.test('A65: nothing that ssh or a shell could take for an option or a command', async (t) => {
  const bad = [
    'sftp://-oProxyCommand=x@host/x',
    'sftp://user@-oProxyCommand=x/x',
    'sftp://user@host$(id)/x',
    "sftp://us'er@host/x",
    'sftp://user:secret@host/x',
    'sftp://user@host/a%0ab',
    'sftp:user@host:/x',
    'sftp://host/x',
  ];
  for (const url of bad) t.type(problemOf(url), 'string', url);
});

t.test('A65: other schemes, credentials in the URL and folders that climb are refused', async (t) => {
  const bad = [
    'file:///etc',
    'rclone:remote:x',
    'local:/etc',
    'b2:bucket',
    'rest:file:///etc',
    'rest:https://user:secret@host/x',
    'rest:https://host/x?a=b',
    's3:https://host/',
    's3:host/bucket',
    '../x',
    '/srv/../etc',
    '//srv',
    '',
  ];
  for (const url of bad) t.type(problemOf(url), 'string', url);
});
