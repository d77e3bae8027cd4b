// The whole of Caddy's configuration, from what control wants. Pure; the same wish is the same text, which Caddy then passes
// over without touching a connection. https://caddyserver.com/docs/json/
//
// Which containers answer stands in files that Caddy reads with each request (targets.ts): a change of those is no change
// of the configuration, with which Caddy would open its ports anew and lose who comes in that moment.
import type { EdgeState } from '#shared/protocol/edge-parts.ts';
import { SLOTS, targetFile } from './slots.ts';

export interface CaddyPlace {
  /** As Caddy sees it. */
  adminSocket: string;
  /** Answers for a name that no container answers to. */
  nobodySocket: string;
  targetsDir: string;
  stateDir: string;
  httpPort: number;
  httpsPort: number;
  /** Asked before a certificate is: `http://127.0.0.1:PORT/…`. */
  askUrl: string;
}

export interface CaddyFacts {
  state: EdgeState;
  place: CaddyPlace;
}

type Json = Record<string, unknown>;

/** A WebSocket outlives each change of the configuration by this; then it connects anew, to what is there by then. */
const STREAM_LIFE = '24h';
/** For answers under way, at a change and at the end. */
const GRACE = '10s';
/** A container that was replaced is gone for a moment: the dial is tried again elsewhere, nothing was sent yet. */
const DIAL_AGAIN_FOR = '5s';
const DIAL_PAUSE = '100ms';
/** One that did not answer is passed over for so long while there is another. */
const PASS_OVER_FOR = '5s';

export function toCaddyConfig({ state, place }: CaddyFacts): Json {
  const routes = state.routes.map((route) => toRoute(route, place));
  return {
    ...toCaddyStart(place),
    apps: {
      http: {
        http_port: place.httpPort,
        https_port: place.httpsPort,
        grace_period: GRACE,
        servers: {
          edge: {
            listen: [`:${place.httpsPort}`],
            routes: [...routes, { handle: [{ handler: 'static_response', status_code: 404 }] }],
            tls_connection_policies: [...toConnectionPolicies(state), {}],
          },
          nobody: {
            listen: [`unix/${place.nobodySocket}`],
            routes: [{ handle: [NOBODY] }],
            automatic_https: { disable: true },
          },
        },
      },
      tls: {
        ...toCertificates(state),
        automation: {
          policies: [{ on_demand: true, issuers: toIssuers(state.issuer) }],
          on_demand: { permission: { module: 'http', endpoint: place.askUrl } },
        },
      },
      pki: { certificate_authorities: { local: { install_trust: false } } },
    },
  };
}

/** What it starts with: nothing but the door through which it is told the rest. */
export const toCaddyStart = ({ adminSocket, stateDir }: CaddyPlace): Json => ({
  admin: { listen: `unix/${adminSocket}|0660`, config: { persist: false } },
  storage: { module: 'file_system', root: stateDir },
});

const NOBODY = { handler: 'static_response', status_code: 503, headers: { 'Retry-After': ['5'] } };

function toRoute({ hostname, redirectTo }: EdgeState['routes'][number], { targetsDir }: CaddyPlace): Json {
  const handle = redirectTo === null ? toProxy(hostname, targetsDir) : toRedirect(redirectTo);
  return { match: [{ host: [hostname] }], handle: [handle], terminal: true };
}

const toRedirect = (hostname: string): Json => ({
  handler: 'static_response',
  status_code: 308,
  headers: { Location: [`https://${hostname}{http.request.uri}`] },
});

function toProxy(hostname: string, targetsDir: string): Json {
  return {
    handler: 'reverse_proxy',
    upstreams: SLOTS.map((slot) => ({ dial: `{file.${targetsDir}/${targetFile(hostname, slot)}}` })),
    load_balancing: {
      selection_policy: { policy: 'round_robin' },
      try_duration: DIAL_AGAIN_FOR,
      try_interval: DIAL_PAUSE,
    },
    health_checks: { passive: { fail_duration: PASS_OVER_FOR } },
    stream_close_delay: STREAM_LIFE,
    flush_interval: -1, // server-sent events arrive when they are sent
  };
}

/** An uploaded certificate is chosen by its tag, and only for its own names. */
const toConnectionPolicies = ({ routes }: EdgeState): Json[] =>
  routes.flatMap(({ hostname, certificateId }) =>
    certificateId === null ? [] : [{ match: { sni: [hostname] }, certificate_selection: { any_tag: [certificateId] } }],
  );

function toCertificates({ certificates }: EdgeState): Json {
  if (certificates.length === 0) return {};
  return {
    certificates: { load_pem: certificates.map(({ id, certificate, key }) => ({ certificate, key, tags: [id] })) },
  };
}

function toIssuers(issuer: EdgeState['issuer']): Json[] {
  if (issuer.kind === 'internal') return [{ module: 'internal' }];
  const { email, directory } = issuer;
  return [{ module: 'acme', ...(email !== null && { email }), ...(directory !== null && { ca: directory }) }];
}
