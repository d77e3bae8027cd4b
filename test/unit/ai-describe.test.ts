// What a host tells of a repository before somebody else's machine reads it.
import t from 'tap';
import { describeRepository } from '../../agent/deploy/ai/describe.ts';
import { hideSecrets } from '../../agent/deploy/ai/hide-secrets.ts';
import { DESCRIPTION_LIMITS as LIMITS, repositoryDescription } from '#shared/protocol/ai-parts.ts';

type Content = string | Uint8Array;

async function describe(content: Record<string, Content>, hide = (text: string) => text) {
  const reads: string[] = [];
  const description = await describeRepository(
    {
      paths: Object.keys(content),
      sizeOf: async (path) => Buffer.from(content[path] ?? '').length,
      read: async (path, limitBytes) => {
        reads.push(path);
        return Buffer.from(content[path] ?? '').subarray(0, limitBytes);
      },
    },
    hide,
  );
  return { ...description, reads, textOf: (path: string) => description.texts.find((one) => one.path === path)?.text };
}

t.test('files are listed from the top, and what says most is read first', async (t) => {
  const { files, fileCount, reads } = await describe({
    'src/deep/down/package.json': '{}',
    'README.md': '# Shop',
    'logo.svg': '<svg/>',
    'package.json': '{}',
    'compose.prod.yaml': 'services: {}',
    'web/Dockerfile': 'FROM a',
    'server.js': 'listen(3000)',
  });
  t.equal(fileCount, 7);
  t.strictSame(
    files.map(({ path, bytes }) => `${path} ${bytes}`),
    [
      'README.md 6',
      'compose.prod.yaml 12',
      'logo.svg 6',
      'package.json 2',
      'server.js 12',
      'web/Dockerfile 6',
      'src/deep/down/package.json 2',
    ],
  );
  t.strictSame(reads, ['compose.prod.yaml', 'web/Dockerfile', 'package.json', 'README.md', 'server.js']);
});

t.test('A56: files that are made to hold secrets are not read', async (t) => {
  const secret = [
    '.env',
    '.env.production',
    'prod.env',
    '.npmrc',
    '.netrc',
    '.git-credentials',
    'id_rsa',
    'id_ed25519.pub',
    'server.pem',
    'tls.key',
    'store.p12',
    'secrets/package.json',
    'config/credentials/package.json',
    '.aws/config.py',
    '.docker/config.ts',
    'compose.secrets.yaml',
    'service-account.json',
    'requirements-passwords.txt',
    'prod.tfvars',
    'kubeconfig',
  ];
  const { reads } = await describe(Object.fromEntries(secret.map((path) => [path, 'x'])));
  t.strictSame(reads, []);
});

t.test('an example of an environment shows names, not values', async (t) => {
  const { textOf } = await describe({ '.env.example': '# the database\nexport URL=postgres://a:b@c/d\nPORT = 3000\n' });
  t.equal(textOf('.env.example'), '# the database\nexport URL=\nPORT =\n');
});

t.test('what is no text is passed over; a character in two halves at the limit is dropped', async (t) => {
  const { reads, texts } = await describe({
    Dockerfile: Buffer.from([0x46, 0, 0x52]),
    Makefile: Buffer.from([0xff, 0xfe, 0x41]),
    'README.md': 'é'.repeat(LIMITS.textChars * 2 + 1).slice(1) + 'x',
    'README.txt': `a${'é'.repeat(LIMITS.textChars * 2)}`,
  });
  t.equal(reads.length, 4);
  t.strictSame(
    texts.map(({ path, isCut }) => [path, isCut]),
    [
      ['README.md', true],
      ['README.txt', true],
    ],
  );
});

t.test('whatever the repository is, its description keeps the limits', async (t) => {
  const content: Record<string, Content> = {};
  for (let n = 0; n < 2_000; n++) content[`a${n}/package.json`] = `{"n": "${'\u0001"\\'.repeat(20_000)}"}`;
  content[`${'long/'.repeat(60)}README.md`] = 'x';
  const { reads: _, textOf: __, ...description } = await describe(content);
  t.ok(repositoryDescription().safeParse(description).success);
  t.equal(description.files.length, LIMITS.files);
  t.equal(description.fileCount, 2_001);
  t.ok(JSON.stringify(description).length < 512 * 1024, 'far below a frame');
  t.ok(description.texts.every(({ text }) => text.split('\n').every((line) => line.length <= 301)));
});

t.test('A56: what a service is known to keep secret is hidden by value', async (t) => {
  const hide = (text: string) => text.replaceAll('canary-known', '***');
  const { textOf } = await describe({ 'README.md': 'the thing is canary-known' }, hide);
  t.equal(textOf('README.md'), 'the thing is ***');
});

t.test('A56: what looks like a secret is hidden', async (t) => {
  const canary = 'c4n4ryC4n4ryC4n4ryC4n4ry';
  const key = `-----BEGIN RSA PRIVATE KEY-----\n${canary}\n-----END RSA PRIVATE KEY-----`;
  const texts = [
    `DB_PASSWORD=${canary}`,
    `password: ${canary}`,
    `password: "two words ${canary}"`,
    `"apiKey": "${canary}",`,
    `api_key = '${canary}'`,
    `ENV SECRET_TOKEN=${canary}`,
    `ENV SECRET_TOKEN ${canary}`,
    `db: {environment: {A: b, DB_PASSWORD: ${canary}}}`,
    `{"config": {"api_key": "${canary}"}}`,
    `password: two words ${canary}`,
    `mysql --user app --password ${canary}`,
    `run --api-key=${canary}`,
    `A=b:password=${canary}`,
    `secret: [${canary}]`,
    `password: "$${canary}"`,
    `    - SESSION_SECRET=${canary}`,
    `url: postgres://app:${canary}@db/app`,
    `https://:${canary}@example.com`,
    key,
    `-----BEGIN PRIVATE KEY-----\n${canary}`,
    `use ghp_${canary} for it`,
    `use sk-proj-${canary} for it`,
    `xoxb-1234567890-${canary}`,
    `eyJhbGciOiJI.eyJzdWIiOiIx.${canary}`,
  ];
  for (const text of texts) t.notMatch(hideSecrets(text), canary, text);
});

t.test('what only sounds like a secret stays readable', async (t) => {
  const texts = [
    'password: ${DB_PASSWORD}',
    'POSTGRES_PASSWORD: $DB_PASSWORD',
    '"jsonwebtoken": "^9.0.2",',
    '"passport-auth": "~1.2.3"',
    'TOKEN_EXPIRES=3600',
    'AUTH_ENABLED=true',
    'GREETING=hello',
    'https://example.com/docs',
    'FROM node:22-slim',
    'EXPOSE 3000',
    'const token: string',
  ];
  for (const text of texts) t.equal(hideSecrets(text), text);
});

t.test('hiding takes linear time', async (t) => {
  for (const text of ['a'.repeat(200_000), 'a='.repeat(100_000), `"${'\\"'.repeat(100_000)}`, '://'.repeat(70_000)])
    t.ok(hideSecrets(text));
});
