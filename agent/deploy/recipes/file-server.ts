// The last stage of everything that is only files: Caddy, on PORT, as nobody in particular.
import { OWNED, type Stage } from './dockerfile.ts';

/** Everything that a browser has no business with, should it be in the repository. */
const HIDDEN = '.git* .env* .ht* .docker* Dockerfile*';

export const FILE_SERVER_COMMAND = ['caddy', 'run', '--config', '/etc/caddy/Caddyfile'];
export const FILE_SERVER_PORT = 8080;
/** It keeps notes on its configuration, and there is no other place where it may write. */
export const FILE_SERVER_ENV = { XDG_CONFIG_HOME: '/tmp', XDG_DATA_HOME: '/tmp' };

/** `files`: what COPY takes them from, and where to. */
export function fileServer(files: string, isSinglePage: boolean): Stage {
  const lines = ['root * /srv', 'encode zstd gzip', ...(isSinglePage ? ['try_files {path} /index.html'] : [])];
  const config = [
    '{',
    '  admin off',
    '  auto_https off',
    '}',
    ':{$PORT} {',
    ...lines.map((line) => `  ${line}`),
    '  file_server {',
    `    hide ${HIDDEN}`,
    '  }',
    '}',
  ];
  return {
    image: 'caddy:2.10-alpine',
    lines: ['COPY <<"END" /etc/caddy/Caddyfile', ...config, 'END', `COPY ${OWNED} ${files}`],
  };
}
