// What runs on a host, and the request to make a service of it, as the API shows them.
import { z } from 'zod';
import { FOUND_KINDS, OBSTACLE_CODES, type Find, type HostContainer } from '#shared/adoption.ts';
import { CONTAINER_STATES, HEALTHS, type ContainerView } from '#shared/model.ts';
import { LongshoreError } from '#shared/errors.ts';
import { SERVICE_NAME } from '#shared/service-name.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { NewAdoption } from '../../app/api/adoption.ts';
import { category, displayName, labelsOf, labelValue, NAME_RULE } from './new-service.ts';
import { pageOf, timestamp } from './page.ts';

const containerFields = {
  id: z.string().meta({ example: '3f786850e387' }),
  name: z.string().meta({ example: 'shop-web-1' }),
  service: z.string().nullable().meta({ description: 'Of its compose file; null without one', example: 'web' }),
  image: z.string().meta({ example: 'nginx:1.28.0-alpine' }),
  image_id: z.string().meta({ example: 'sha256:299cc307676f' }),
  state: z.enum(CONTAINER_STATES),
  health: z.enum(HEALTHS),
  started_at: timestamp.nullable().meta({ description: 'Null: never' }),
  ports: z.array(
    z.object({
      host: z.number().int(),
      container: z.number().int(),
      protocol: z.enum(['tcp', 'udp']),
      address: z.string(),
    }),
  ),
};

const foundContainerView = z.object(containerFields).meta({ id: 'FoundContainer' });

const findView = z
  .object({
    kind: z.enum(FOUND_KINDS).meta({ description: 'A whole Compose project, or a container that belongs to none' }),
    name: z.string().meta({ example: 'shop' }),
    containers: z.array(foundContainerView),
    working_dir: z.string().nullable().meta({ description: 'Where Compose was run', example: '/srv/shop' }),
    config_files: z.array(z.string()).meta({ example: ['/srv/shop/compose.yaml'] }),
    can_be_adopted: z.boolean(),
    obstacle: z
      .object({
        code: z.enum(OBSTACLE_CODES).meta({ description: 'name_invalid and name_taken: adopt it by another name' }),
        message: z.string(),
      })
      .nullable()
      .meta({ example: null }),
  })
  .meta({ id: 'HostProject', description: 'What runs on a host without Longshore having started it' });
export const findPage = pageOf(findView);

const hostContainerView = z
  .object({
    ...containerFields,
    project: z.string().nullable().meta({ description: 'Of Compose', example: 'shop' }),
    service_id: z.string().nullable().meta({ description: 'Null: no service has it', example: 'svc_abc123' }),
  })
  .meta({ id: 'HostContainer' });
export const hostContainerPage = pageOf(hostContainerView);

const found = z.string().min(1).max(255);

export const adoptionBody = z
  .strictObject({
    project: found.optional().meta({ description: 'A Compose project', example: 'shop' }),
    container: found.optional().meta({ description: 'Or a container that belongs to none' }),
    name: z.string().regex(SERVICE_NAME, NAME_RULE).optional().describe('Of the service; else what it is called now'),
    customer_id: z.string().min(1).max(64).optional(),
    display_name: displayName.optional(),
    category: category.optional(),
    labels: labelsOf(labelValue).optional(),
  })
  .meta({ id: 'NewAdoption', example: { project: 'shop', display_name: 'The shop' } });

export function fromAdoptionBody(body: z.infer<typeof adoptionBody>): NewAdoption {
  const { project, container } = body;
  const find = project ?? container;
  if (find === undefined) throw refuse('project', 'is required, or container');
  if (project !== undefined && container !== undefined) throw refuse('container', 'goes without project');
  return {
    kind: project === undefined ? 'container' : 'compose',
    find,
    name: body.name,
    customerId: body.customer_id,
    displayName: body.display_name,
    category: body.category,
    labels: body.labels,
  };
}

const refuse = (field: string, problem: string): LongshoreError =>
  new LongshoreError('validation_error', { fields: { [field]: problem } });

export const toFindView = ({ kind, name, containers, workingDir, configFiles, obstacle }: Find) => ({
  kind,
  name,
  containers: containers.map(toContainerFields),
  working_dir: workingDir,
  config_files: configFiles,
  can_be_adopted: obstacle === null,
  obstacle,
});

export const toHostContainerView = (container: HostContainer) => ({
  ...toContainerFields(container),
  project: container.project || null,
  service_id: container.serviceId,
});

const toContainerFields = (container: ContainerView) => ({
  id: container.id,
  name: container.name,
  service: container.service || null,
  image: container.image,
  image_id: container.imageId,
  state: container.state,
  health: container.health,
  started_at: container.startedAt === 0 ? null : toRfc3339(container.startedAt),
  ports: container.ports,
});
