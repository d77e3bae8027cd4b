// The files of a service's folder as its spec has them.
import { writeYaml } from '#shared/compose/write-yaml.ts';
import type { ServiceSpec } from '#shared/model.ts';
import { SERVICE_LABEL } from '../docker/engine.ts';
import { toDotenv } from './dotenv.ts';
import { requireFilePaths, type Sources } from './workspace.ts';

/** Fails with `template_variable` or `validation_error`. */
export function sourcesOf(spec: ServiceSpec, services: readonly string[]): Sources {
  requireFilePaths(Object.keys(spec.files));
  return {
    compose: spec.compose,
    env: toDotenv(spec.variables),
    override: overrideOf(spec.id, services),
    files: spec.files,
  };
}

/** Only our label, so that `docker compose -f compose.yaml -f override.yaml up` by hand keeps the service ours. */
function overrideOf(serviceId: string, services: readonly string[]): string {
  const labels = { labels: { [SERVICE_LABEL]: serviceId } };
  return writeYaml({ services: Object.fromEntries(services.map((name) => [name, labels])) });
}
