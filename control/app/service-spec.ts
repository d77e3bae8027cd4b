// What a host is told of a service when it is to deploy it.
import type { ServiceSpec } from '#shared/model.ts';
import type { ServiceRecord } from '../store/records.ts';
import type { Stores } from '../store/stores.ts';
import { loginsFor } from './registry-scope.ts';

export function specOf(stores: Stores, service: ServiceRecord): ServiceSpec {
  const { compose, variables, secretNames, files, templateVersion } = stores.services.requireSource(service.id);
  const { id, name, customerId, revision, method, templateId, labels, rollbackOnFailure, healthTimeoutS } = service;
  const template = templateId === null ? null : { id: templateId, version: templateVersion ?? 1 };
  return {
    id,
    name,
    customerId,
    revision,
    method,
    compose,
    variables,
    secretNames,
    template,
    files,
    labels,
    rollbackOnFailure,
    healthTimeoutS,
    limits: service.limits,
    registries: loginsFor(compose, stores.registries.loginsOf(customerId)),
  };
}
