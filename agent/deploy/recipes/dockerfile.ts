// Puts a Dockerfile together. Values of a repository come in through `copy`, `run` and the command, which print JSON
// lists: no value can begin a line or reach a shell. All other lines are fixed texts of the recipes.
//
// No cache mounts: they are shared by all builds of a host, so that one customer could leave packages for another.
// Layers do instead: manifests are copied and installed before the sources.

export interface Stage {
  /** An official image of Docker Hub; the host's prefix for mirrors is put in front. */
  image: string;
  name?: string;
  lines: string[];
}

export interface Plan {
  /** The first line, a comment. */
  title: string;
  stages: readonly Stage[];
  env: Readonly<Record<string, string>>;
  user: number;
  port: number;
  command: readonly string[];
}

export const run = (...argv: string[]): string => `RUN ${JSON.stringify(argv)}`;

/** Paths must follow the grammar of paths: Docker reads `$` and `*` in them. */
export const copy = (sources: readonly string[], target: string): string =>
  `COPY ${JSON.stringify([...sources, target])}`;

/** Debian's packages; the names are the recipes' own. */
export const installPackages = (names: readonly string[]): string =>
  `RUN apt-get update && apt-get install --yes --no-install-recommends ${names.join(' ')} && rm -rf /var/lib/apt/lists/*`;

/** For the last stage: what it copies belongs to the user that runs it, so that it may write beside itself. */
export const OWNED = '--chown=1000:1000';

export function printDockerfile({ title, stages, env, user, port, command }: Plan, imagePrefix: string): string {
  const printed = stages.map(({ image, name, lines }) =>
    [`FROM ${imagePrefix}${image}${name === undefined ? '' : ` AS ${name}`}`, ...lines].join('\n'),
  );
  const variables = Object.entries({ ...env, PORT: String(port) }).map(([name, value]) => `${name}=${value}`);
  const end = [
    `ENV ${variables.join(' ')}`,
    `USER ${user}:${user}`,
    `EXPOSE ${port}`,
    `CMD ${JSON.stringify(command)}`,
  ];
  return `# ${title}\n${printed.join('\n\n')}\n${end.join('\n')}\n`;
}
