// The real HTTP server over the real app layer, with a real identity provider, and browsers in front of both.
import type { Test } from 'tap';
import { pino } from 'pino';
import { readPermissionMap, type ClaimRules } from '../../control/app/access/claims.ts';
import { OidcProvider } from '../../control/oidc/provider.ts';
import { Browser } from './browser.ts';
import { ADMIN, ControlWorld } from './control-world.ts';
import { startTestHttp, type TestHttp } from './http-server.ts';
import { CLIENT, startProvider, type People, type TestProvider } from './oidc.ts';
import { PANEL, Person } from './person.ts';

const CALLBACK = `${PANEL}/api/auth/callback`;

const PEOPLE: People = {
  ada: { groups: ['admins', 'staff'] },
  vera: { groups: ['viewers'], tenant: 'cust_v' },
  nora: { groups: ['staff'] },
};
const RULES: ClaimRules = {
  permissionsClaim: 'groups',
  permissions: readPermissionMap('admins=*;viewers=services.read,services.logs') ?? new Map(),
  customerClaim: null,
};

export interface LoginOptions {
  people?: People;
  rules?: Partial<ClaimRules>;
  /** Settings of the provider itself. */
  provider?: object;
}

export class LoginWorld {
  readonly world: ControlWorld;
  readonly http: TestHttp;
  readonly provider: TestProvider;
  /** What the identity provider's client logged. */
  readonly providerLog: string[];

  constructor(world: ControlWorld, http: TestHttp, provider: TestProvider, providerLog: string[]) {
    this.world = world;
    this.http = http;
    this.provider = provider;
    this.providerLog = providerLog;
  }

  browser(): Browser {
    return new Browser({ [PANEL]: this.http.url });
  }

  /** Up to the callback, which is not called yet: its URL. `change` is done to the URL of the provider's page first. */
  async answerFor(browser: Browser, person: string, change: (url: URL) => void = () => {}): Promise<URL> {
    const begun = await browser.send(`${PANEL}/api/auth/login?return_to=/there`);
    const page = new URL(begun.headers.get('location') ?? '');
    change(page);
    return new URL(await browser.logIn(page.href, person, CALLBACK));
  }

  /** A browser in which somebody has logged in. */
  async loggedIn(person: string, browser = this.browser()): Promise<Person> {
    const callback = await this.answerFor(browser, person);
    await browser.send(callback.href);
    return new Person(this.http, browser.cookieHeader(PANEL));
  }

  async adminKey(): Promise<string> {
    return (await this.world.app.keys.create(ADMIN, { name: 'admin', permissions: ['*'] })).secret;
  }
}

export async function startLoginWorld(t: Test, options: LoginOptions = {}): Promise<LoginWorld> {
  const { people = PEOPLE, rules = {}, provider: settings = {} } = options;
  const provider = await startProvider(t, people, settings);
  const providerLog: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void providerLog.push(line) });
  const client = {
    issuer: provider.issuer,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    scopes: 'openid profile email',
  };
  const world = new ControlWorld(t, { login: { ...RULES, ...rules, provider: new OidcProvider(client, log) } });
  const http = await startTestHttp(t, { config: { publicUrl: PANEL }, deps: { app: world.app } });
  return new LoginWorld(world, http, provider, providerLog);
}
