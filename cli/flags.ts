// Flags of the programs that `longshore` starts, passed on: control and agent read their configuration themselves, from
// flags, environment and file. Here they are only named, for help and completion.

/** Flag by name with its description. */
export type FlagList = Record<string, string>;

export const CONTROL_FLAGS: FlagList = {
  'data-dir': 'Folder of the database and the keys (./data)',
  listen: 'Address and port (127.0.0.1:8080)',
  'aikit-port': 'Port of the AIKit API as in its document, such as 5000 (0: none)',
  'public-url': 'Where hosts and people reach it',
  tls: 'auto, off or CERT,KEY (off)',
  'dist-dir': 'The release for hosts, as `npm run build` writes it',
  'log-level': 'trace, debug, info, warn, error, fatal or silent',
  'rate-limit': 'Requests a minute and key (120)',
  'rate-limit-anonymous': 'Requests a minute and address without a key (60)',
  'rate-limit-deploy': 'Deploys a minute and key (10)',
  'trusted-proxy': 'Addresses whose X-Forwarded-For counts',
  'allow-private-webhooks': '1: webhooks may go to private addresses (0)',
  'allow-file-git': '1: Git repositories may be file:// URLs (0)',
  'base-domain': 'Domain below which services get names (none)',
  'acme-email': 'Whom the certificate authority may write to',
  'acme-directory': "Another authority than Let's Encrypt, or internal",
  'ai-base-url': 'OpenAI-compatible endpoint that AI deploys ask',
  'ai-model': 'Its model',
  'ai-api-key-file': 'File with its key',
  'oidc-issuer': 'Identity provider by which people log in',
  'oidc-client-id': 'What it knows us by',
  'oidc-client-secret-file': 'File with the secret it gave us',
  'oidc-scopes': 'What to ask it for (openid profile email)',
  'oidc-permissions-claim': 'Claim that decides what a person may do (groups)',
  'oidc-permissions': 'What its values give, e.g. admins=*;viewers=services.read',
  'oidc-customer-claim': 'Claim that binds a person to a customer',
};

export const AGENT_FLAGS: FlagList = {
  token: 'Join token; needed until this host is enrolled',
  'data-dir': "Folder of the agent's state and of the services (./data/agent)",
  'docker-socket': 'Docker Engine (/var/run/docker.sock)',
  'edge-image': 'Caddy, where the control plane wants an edge (caddy:2.10.2-alpine)',
  'edge-project': 'Compose project of the edge (longshore-edge)',
  'edge-http-port': 'Where the edge redirects to HTTPS (80)',
  'edge-https-port': 'Where the edge answers to names (443)',
  'reconnect-max': 'Seconds between tries to reach the control plane, at most (64)',
  'allow-file-git': '1: file:// repositories are fetched, but never for customers (0)',
  'image-check': 'Hours between looks for newer images (6); 0: only when asked',
  'build-cache-limit': 'What the build cache is trimmed to after builds (10GB), or none',
  'build-image-prefix': 'Before the images that recipes build from, e.g. registry.example.com/mirror/',
  'log-level': 'trace, debug, info, warn, error, fatal or silent',
};

/** Options for yargs: texts, because the program reads them itself; of no concern to subcommands. */
export const toOptions = (flags: FlagList) =>
  Object.fromEntries(
    Object.entries(flags).map(([name, describe]) => [
      name,
      { type: 'string', describe, requiresArg: true, global: false } as const,
    ]),
  );

/** Back to arguments: those that were given. */
export const toArguments = (flags: FlagList, args: Record<string, unknown>): string[] =>
  Object.keys(flags).flatMap((name) => (typeof args[name] === 'string' ? [`--${name}=${args[name]}`] : []));
