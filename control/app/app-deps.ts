// What the app layer is given: the database, the links to hosts, and one port for each thing of the world outside.
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import type { Stores } from '../store/stores.ts';
import type { LoginSettings } from './access/login.ts';
import type { App } from './api/app.ts';
import type { OpenDnsProvider } from './dns/provider.ts';
import type { EdgeSettings } from './domains/edges.ts';
import type { HostLinks } from './hosts/host-links.ts';
import type { SystemDeskDeps } from './system/desk.ts';
import type { FetchText, TemplateSource } from './templates/template-source.ts';
import type { WebhookFormats } from './webhooks/formats.ts';

export interface AppDeps {
  stores: Stores;
  links: HostLinks;
  templates: TemplateSource;
  /** For imports of templates by URL. */
  fetchText: FetchText;
  /** Host ports of Longshore itself. */
  reservedPorts: () => readonly number[];
  /** Whether `file://` repositories are taken. */
  allowsFileGit?: boolean;
  /** Where hosts and users reach control. */
  publicUrl: () => string;
  /** Where the release for hosts lies. */
  distDir: string;
  /** Pin of control's identity; goes into join tokens. */
  controlPin: string;
  /** Of the TLS key at a URL where no authority vouches for it. */
  tlsPinFor?: (url: string) => string | undefined;
  readiness: App['readiness'];
  /** The control plane's own process, and what it logged. */
  self: Pick<SystemDeskDeps, 'self' | 'troubles' | 'findWriteFault'>;
  /** How people log in; null: nobody does, keys only. */
  login: LoginSettings | null;
  /** A user's URL as it will be called. Throws `egress_denied`. */
  checkUrl: (url: string) => string;
  webhookFormats: WebhookFormats;
  openDnsProvider: OpenDnsProvider;
  edge: EdgeSettings;
  /** Its addresses by DNS; none for a name that is not there. */
  resolveName: (hostname: string) => Promise<string[] | undefined>;
  clock: Clock;
  log: Logger;
}
