import { Service } from '@pulumi/gcp/projects/service.js';
import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import { apis } from '../plan/apis.ts';

/** The APIs that a project must have enabled. They stay enabled: other things of the project may use them as well. */
export class ProjectApis extends ComponentResource {
  constructor(name: string, options?: ComponentResourceOptions) {
    super('tutti:infra:ProjectApis', name, {}, options);
    for (const api of apis)
      new Service(`${name}-${api}`, { service: `${api}.googleapis.com`, disableOnDestroy: false }, { parent: this });
    this.registerOutputs();
  }
}
