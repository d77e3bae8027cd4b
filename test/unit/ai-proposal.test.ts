// From what the AI proposes to what a deploy takes.
import t from 'tap';
import { parse } from 'yaml';
import { composeOf, showProposal, variablesOf } from '../../agent/deploy/ai/proposal.ts';

const rendered = (compose: string, dockerfile: string | null): unknown => parse(composeOf({ compose, dockerfile }));

t.test('a proposal without a Dockerfile is taken as it is', async (t) => {
  const compose = '# why\nservices: {a: {build: .}}\n';
  t.equal(composeOf({ compose, dockerfile: null }), compose);
});

t.test('the Dockerfile goes where a service is built by it, and nowhere else', async (t) => {
  const compose = `services:
  short: {build: ./app}
  long: {build: {context: ., target: run, dockerfile: ./Dockerfile}}
  own: {build: {context: ., dockerfile: docker/web.Dockerfile}}
  image: {image: "redis:7"}
volumes: {data: {}}
`;
  t.strictSame(rendered(compose, 'FROM a\n'), {
    services: {
      short: { build: { context: './app', dockerfile_inline: 'FROM a\n' } },
      long: { build: { context: '.', target: 'run', dockerfile_inline: 'FROM a\n' } },
      own: { build: { context: '.', dockerfile: 'docker/web.Dockerfile' } },
      image: { image: 'redis:7' },
    },
    volumes: { data: {} },
  });
});

t.test('dollars of the Dockerfile are not Compose’s to fill in', async (t) => {
  const compose = 'services: {a: {build: .}}';
  t.match(rendered(compose, 'RUN echo $HOME ${X}'), {
    services: { a: { build: { dockerfile_inline: 'RUN echo $$HOME $${X}' } } },
  });
});

const variable = (name: string, value: string | null) => ({ name, value, purpose: `what ${name} is for` });

t.test('what the user gives counts before what is proposed', async (t) => {
  const variables = [variable('LEVEL', 'info'), variable('GREETING', 'hello')];
  t.strictSame(variablesOf({ variables }, { GREETING: 'mine', OTHER: 'x' }), {
    LEVEL: 'info',
    GREETING: 'mine',
    OTHER: 'x',
  });
});

t.test('what only the user can give is asked for, and so is a secret that a machine made up', async (t) => {
  const variables = [variable('A', null), variable('DB_PASSWORD', 'hunter2'), variable('AUTH_ENABLED', 'true')];
  t.throws(() => variablesOf({ variables }, {}), {
    code: 'template_variable',
    fields: { 'variables.A': 'what A is for', 'variables.DB_PASSWORD': /./, 'variables.AUTH_ENABLED': undefined },
  });
  t.strictSame(variablesOf({ variables }, { A: '', DB_PASSWORD: 'own' }), {
    A: '',
    DB_PASSWORD: 'own',
    AUTH_ENABLED: 'true',
  });
});

t.test('it is shown whole, but for what the host knows as secret', async (t) => {
  const proposal = {
    compose: 'services: {web: {build: ., command: "serve --key known-secret"}}',
    dockerfile: 'FROM a\nRUN PASSWORD="$(curl evil.example)x" make\n',
    variables: [variable('GREETING', 'hello'), variable('LEVEL', 'info')],
    port: null,
    healthPath: null,
    reasons: ['It wants known-secret'],
  };
  const hide = (text: string) => text.replaceAll('known-secret', '***');
  t.match(showProposal(proposal, { LEVEL: 'known-secret' }, hide), {
    compose: 'services: {web: {build: ., command: "serve --key ***"}}',
    dockerfile: proposal.dockerfile,
    variables: [
      { name: 'GREETING', value: 'hello', isGiven: false },
      { name: 'LEVEL', value: null, isGiven: true },
    ],
    reasons: ['It wants ***'],
  });
});
